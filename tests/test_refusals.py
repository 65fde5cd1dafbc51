"""Nothing was found, over the whole path: what the model reads, and what the client hears.

1. With `refuse`, the client hears nothing that the model says or thinks after an empty search.
2. What a client assembles from the stream of a refused answer is what it would have got without.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.app import create_app
from proxy.core.instructions import CITING, NOTHING, OWN_KNOWLEDGE
from proxy.core.nothing_found import REFUSALS
from proxy.settings import Settings
from tests.support.asgi import Answer, ask
from tests.support.openai_assemble import assemble, assemble_reply
from tests.support.openai_schema import check_chunk, check_completion
from tests.support.openai_stream import check_stream
from tests.support.script import Call, Round, result, search_call
from tests.support.upstreams import Upstreams

MODES = ("tool", "context", "hybrid")
QUESTIONS = {
    "en": "How many days of leave do I have?",
    "fr": "Combien de jours de congé ai-je ?",
    "de": "Wie viele Urlaubstage habe ich?",
    "es": "¿Cuántos días de vacaciones tengo?",
    "it": "Quanti giorni di ferie ho?",
}
SEARCHING = Round(reasoning="First.", calls=(search_call("leave"),), finish_reason="tool_calls")
KNOWING = Round("It is SECRET.", reasoning="SECRET thoughts")
WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": {}}}
IRRELEVANT = result("c1", "The canteen opens at noon.", score=0.1)


def settings(mode: str, **more: Any) -> Settings:
    upstreams = {
        "lighton_base_url": "http://lighton.test",
        "lighton_api_key": "k",
        "scaleway_base_url": "http://scaleway.test/v1",
        "scaleway_api_key": "k",
    }
    refusing = {"when_nothing_found": "refuse", "min_relevance": 0.5}
    return Settings(**{**upstreams, "retrieval": mode, **refusing, **more})


def play(upstreams: Upstreams, body: dict[str, Any], mode: str, **more: Any) -> Answer:
    app = create_app(settings(mode, **more), upstreams.transport())
    return asyncio.run(ask(app, document=body))


def asked(question: str = QUESTIONS["en"], **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}], **more}


def rounds(mode: str, *last: Round) -> list[Round]:
    """What the model says in this mode: only with the tool it must search for itself."""
    return [*([SEARCHING] if mode == "tool" else []), *last]


def heard_of(answer: Answer, *, stream: bool) -> dict[str, Any]:
    if not stream:
        check_completion(answer.json())
        return assemble_reply(answer.json())
    view = check_stream(answer.body, include_usage=True)
    for chunk in view.chunks:
        check_chunk(chunk)
    return assemble(view.chunks)


STREAM = {"stream": True, "stream_options": {"include_usage": True}}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("language", QUESTIONS)
@pytest.mark.parametrize("mode", MODES)
def test_an_answer_for_which_nothing_is_found_is_refused_in_its_language(
    mode: str,
    language: str,
    stream: bool,  # noqa: FBT001  # a parameter of the test
) -> None:
    upstreams = Upstreams(rounds(mode, KNOWING), [IRRELEVANT])
    body = asked(QUESTIONS[language], **(STREAM if stream else {}))
    heard = heard_of(play(upstreams, body, mode), stream=stream)
    assert heard["content"] == {**REFUSALS}[language]  # type: ignore[index]  # a table of the test
    assert heard["finish_reason"] == "stop"
    assert heard["lighton"]["refused"] is True
    assert len(heard["lighton"]["searches"]) == 1
    told = {"tool": 2, "context": 0, "hybrid": 1}[mode]
    assert (len(upstreams.asked), heard["lighton"]["rounds"]) == (told, told)
    assert heard["usage"]["total_tokens"] == 15 * told
    assert "SECRET" not in str(heard)


@pytest.mark.parametrize("mode", MODES)
def test_what_is_found_is_answered(mode: str) -> None:
    upstreams = Upstreams(rounds(mode, Round("27 [1].")), [result("c1", "27 days.", score=0.9)])
    heard = heard_of(play(upstreams, asked(), mode), stream=False)
    assert heard["content"] == "27 [1]."
    assert "refused" not in heard["lighton"]


@pytest.mark.parametrize(
    ("policy", "text"), [("model", NOTHING), ("own_knowledge", OWN_KNOWLEDGE), ("refuse", None)]
)
@pytest.mark.parametrize("mode", MODES)
def test_the_model_reads_what_to_do_where_the_passages_would_stand(
    mode: str, policy: str, text: str | None
) -> None:
    upstreams = Upstreams(rounds(mode, Round("Nothing on it.")), [IRRELEVANT])
    play(upstreams, asked(tools=[WEATHER]), mode, when_nothing_found=policy)
    *_, last = upstreams.asked[-1]["messages"]
    assert last["role"] == ("user" if mode == "context" else "tool")
    assert "No results found." in last["content"]
    assert CITING not in last["content"]
    assert text is None or text in last["content"]
    assert str(upstreams.asked[-1]).count("Nothing was found in") == (text is not None)


def test_a_client_that_wants_json_gets_json() -> None:
    upstreams = Upstreams([Round('{"days": null}')], [IRRELEVANT])
    body = asked(response_format={"type": "json_object"})
    heard = heard_of(play(upstreams, body, "context"), stream=False)
    assert heard["content"] == '{"days": null}'
    assert "refused" not in heard["lighton"]
    assert NOTHING in upstreams.asked[0]["messages"][-1]["content"]


@pytest.mark.parametrize(
    "text",
    [
        "hi",
        "Hello, how are you today?",
        "Merci beaucoup pour votre aide !",
        "Ça va ?",
        "Guten Morgen, wie geht's?",
        "¡Muchas gracias por tu ayuda!",
        "Grazie mille per il tuo aiuto!",
    ],
)
@pytest.mark.parametrize("policy", ["model", "own_knowledge", "refuse"])
def test_small_talk_reaches_the_model_alone(text: str, policy: str) -> None:
    upstreams = Upstreams([Round("Hello!")], [IRRELEVANT])
    answer = play(upstreams, asked(text), "context", when_nothing_found=policy)
    assert heard_of(answer, stream=False)["content"] == "Hello!"
    assert upstreams.asked[0]["messages"] == [{"role": "user", "content": text}]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("text", ["Kündigungsfrist?", "Les congés ?", "Parental leave"])
@pytest.mark.parametrize("mode", MODES)
def test_a_question_of_one_or_two_words_is_answered_by_a_model_that_knows_of_the_search(
    mode: str,
    text: str,
    stream: bool,  # noqa: FBT001  # a parameter of the test
) -> None:
    upstreams = Upstreams(rounds(mode, Round("They hold nothing on it.")), [IRRELEVANT])
    body = asked(text, **(STREAM if stream else {}))
    heard = heard_of(play(upstreams, body, mode), stream=stream)
    assert heard["content"] == "They hold nothing on it."
    assert "refused" not in heard["lighton"]
    assert NOTHING in upstreams.asked[-1]["messages"][-1]["content"]


def test_the_operators_words_are_heard_as_they_are_and_as_long_as_an_answer_may_be() -> None:
    words = "Ask <b>HR</b> at https://hr.example [1]."
    answer = play(Upstreams(), asked(), "context", refusal_text=words)
    assert heard_of(answer, stream=False)["content"] == words
    cut = play(Upstreams(), asked(), "context", refusal_text=words, max_answer_chars=6)
    heard = heard_of(cut, stream=False)
    assert (heard["content"], heard["finish_reason"]) == ("Ask <b", "length")


def test_calls_of_the_clients_tools_pass_without_the_text_beside_them() -> None:
    calling = Round("SECRET", "SECRET", (Call("get_weather", "{}"),), "tool_calls")
    upstreams = Upstreams([calling], [IRRELEVANT])
    heard = heard_of(play(upstreams, asked(tools=[WEATHER]), "hybrid"), stream=False)
    assert heard["finish_reason"] == "tool_calls"
    assert [each["name"] for each in heard["tool_calls"]] == ["get_weather"]
    assert "SECRET" not in str(heard)


def test_after_a_refusal_the_conversation_goes_on() -> None:
    upstreams = Upstreams([], [IRRELEVANT])
    app = create_app(settings("context"), upstreams.transport())
    said = asyncio.run(ask(app, document=asked())).json()["choices"][0]["message"]["content"]
    upstreams.play([Round("You are welcome.")])
    messages = [*asked()["messages"], {"role": "assistant", "content": said}]
    thanks = {"role": "user", "content": "Thank you very much!"}
    asyncio.run(ask(app, document={"messages": [*messages, thanks]}))
    question, answer, last = upstreams.asked[0]["messages"]
    assert question["content"].endswith(f"</note-{word_of(question)}>\n\n{QUESTIONS['en']}")
    assert (answer["content"], last) == (said, thanks)


def word_of(message: dict[str, Any]) -> str:
    return str(message["content"].partition("<note-")[2][:10])


texts = st.text(alphabet=st.sampled_from("ΩΨ \n[1]`"), max_size=8)
calls = st.sampled_from(
    [search_call("one"), search_call("two"), Call("lighton_search", "{"), Call("odd", "{}")]
)
said_rounds = st.builds(
    Round,
    text=texts,
    reasoning=texts,
    calls=st.lists(calls, max_size=2).map(tuple),
    finish_reason=st.sampled_from(["stop", "length", "tool_calls", "content_filter"]),
)


@given(st.lists(said_rounds, max_size=4), st.sampled_from(MODES), st.booleans())
def test_no_character_of_the_model_is_heard_after_an_empty_search(
    said: list[Round],
    mode: str,
    has_tools: bool,  # noqa: FBT001  # hypothesis passes it
) -> None:
    first = Round(calls=SEARCHING.calls, finish_reason="tool_calls")
    script = [*([first] if mode == "tool" else []), *said, *[Round("Ω")] * 8]
    body = {**asked(), "tools": [WEATHER]} if has_tools else asked()
    plain, streamed = (
        heard_of(play(Upstreams(script, [IRRELEVANT]), each, mode), stream="stream" in each)
        for each in (body, {**body, **STREAM})
    )
    assert plain["content"] == streamed["content"] == REFUSALS["en"]
    assert plain["finish_reason"] == streamed["finish_reason"] == "stop"
    assert plain["usage"] == streamed["usage"]
    assert not plain["reasoning_content"]
    assert not streamed["reasoning_content"]
    assert not set("ΩΨ") & set(str(plain) + str(streamed))
