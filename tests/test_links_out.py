"""Nothing leads out: the whole path, with a model that obeys a poisoned document."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from proxy.app import create_app
from proxy.settings import Settings
from tests.core.text.samples import HOST, SHOWN
from tests.core.text.test_machine import WAYS_OUT, strangers
from tests.support.asgi import ask
from tests.support.openai_assemble import assemble, assemble_reply
from tests.support.openai_stream import check_stream
from tests.support.script import Round, result, search_call
from tests.support.upstreams import Upstreams, searching_first

QUESTION = {"role": "user", "content": f"How long is it? See https://{HOST}/a."}
RESULTS = [
    result(f"c{n}", f"Passage {n}.", file_id=n, external_url=url) for n, url in SHOWN.items()
]
SETTINGS = Settings(
    lighton_base_url="http://lighton.test",
    lighton_api_key="k",
    scaleway_base_url="http://scaleway.test/v1",
    scaleway_api_key="k",
)


def thirds(text: str) -> list[str]:
    return [text[at : at + 3] for at in range(0, len(text), 3)]


def answered(answer: Round, *, stream: bool, **body: Any) -> dict[str, Any]:
    """What the client has of an answer that a model gives after it has searched, if it may."""
    searching = Round(calls=(search_call("notice"),), finish_reason="tool_calls")
    upstreams = Upstreams(searching_first(searching, answer), RESULTS, pieces=thirds)
    app = create_app(SETTINGS, upstreams.transport())
    document = {"messages": [QUESTION], "stream": stream, **body}
    reply = asyncio.run(ask(app, document=document))
    assert reply.status == 200
    return assemble(check_stream(reply.body).chunks) if stream else assemble_reply(reply.json())


def says(answer: Round, name: str = "content", **body: Any) -> str:
    """What an answer says, which is the same streamed or not."""
    plain, streamed = (answered(answer, stream=stream, **body) for stream in (False, True))
    for each in (name, "annotations"):
        assert plain[each] == streamed[each]
    text: str = plain[name]
    return text


@pytest.mark.parametrize("way", WAYS_OUT)
def test_with_passages_no_way_leads_out(way: str) -> None:
    out = says(Round("It is three months [1].\n\n" + WAYS_OUT[way]))
    assert out.startswith("It is three months [1].")
    assert strangers(out) == []


@pytest.mark.parametrize("way", WAYS_OUT)
def test_with_retrieval_off_every_way_stays_as_it_is(way: str) -> None:
    text = "It is three months [1].\n\n" + WAYS_OUT[way]
    assert says(Round(text), lighton={"retrieval": "off"}) == text


def test_reasoning_is_left_as_it_is() -> None:
    reasoning = "Passage [2] and [9] say so: [a](https://evil.example) 【3】."
    answer = Round("It is so [2].", reasoning=reasoning)
    assert says(answer, "reasoning_content") == reasoning
    assert says(answer) == "It is so [1]."
    assert len(answered(answer, stream=True)["annotations"]) == 1
