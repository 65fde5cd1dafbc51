"""The proxy that clients ask, and how often it searches."""

from __future__ import annotations

from openai import OpenAI

from tests.clients.checks import QUESTION, Heard
from tests.clients.serving import serving
from tests.e2e.scenario import FACT, MODEL


def test_an_answer_is_counted_as_a_search_and_its_question_as_told() -> None:
    with serving() as served, OpenAI(base_url=f"{served.url}/v1", api_key="any") as client:
        served.forget()
        assert served.heard() == Heard()
        answer = client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": QUESTION}]
        )
        assert FACT in (answer.choices[0].message.content or "")
        heard = served.heard()
        assert heard.searches == 1
        assert QUESTION in heard.told
