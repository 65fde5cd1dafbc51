"""Upstreams that fail, over the whole path: who answers then, and what the client hears.

1. A model that cannot answer is replaced, and the client learns by whom.
2. What keeps failing is not asked, and the client learns when to ask again.
3. An answer whose searches failed says so, or is refused, or is an error: as the operator decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import orjson
import pytest

from proxy.app import Proxy, create_app
from proxy.core.nothing_found import UNSEARCHED
from proxy.settings import Settings
from tests.support.asgi import Answer, ask
from tests.support.clock import skipping_clock
from tests.support.openai_assemble import assemble, assemble_reply
from tests.support.openai_schema import check_chunk, check_completion, check_error
from tests.support.openai_stream import check_stream
from tests.support.script import DONE, Call, Round, delta_event, result, search_call
from tests.support.upstreams import Upstreams

QUESTION = {"role": "user", "content": "How many days of leave do I have?"}
SEARCHING = Round(calls=(search_call("leave"),), finish_reason="tool_calls")
SEARCHING_ON = Round(calls=(search_call("leave now"),), finish_reason="tool_calls")
LEAVE = result("c1", "Leave is 27 days.", score=0.9)
MODES = ("tool", "context", "hybrid")
STREAM = {"stream": True, "stream_options": {"include_usage": True}}
TWO = {"hr": {"models": ["llama", "qwen"]}}

Fault = Callable[[dict[str, Any]], httpx.Response | Exception | None]
"""What comes instead of the reply to a request's body; None for the reply."""


def by(model: str) -> Mapping[str, Any]:
    return {"id": "chatcmpl-upstream", "created": 1, "model": model}


def reply(status: int, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json={"message": "Out of order."}, headers=named)


def always(status: int, **headers: str) -> Fault:
    return lambda _: reply(status, **headers)


def of_model(model: str, *faults: httpx.Response | Exception | None) -> Fault:
    """Requests to `model` fail with these, one after the other, then with the last one."""
    left = list(faults)

    def fault(body: dict[str, Any]) -> httpx.Response | Exception | None:
        if body["model"] != model:
            return None
        return left.pop(0) if len(left) > 1 else left[0]

    return fault


NO_RETRIES = {"model_retries": 0, "search_retries": 0}
"""So that a fault is seen once, by what these tests are about."""


class World:
    """Both upstreams, which fail as they are told to, and the proxy before them."""

    def __init__(self, upstreams: Upstreams, mode: str = "tool", **more: Any) -> None:
        self.upstreams = upstreams
        self.models: list[str] = []
        """The models that were asked, in order."""
        self.searches = 0
        self.chat_fault: Fault = lambda _: None
        self.search_fault: Fault = lambda _: None
        given = {
            "lighton_base_url": "http://lighton.test",
            "lighton_api_key": "k",
            "scaleway_base_url": "http://scaleway.test/v1",
            "scaleway_api_key": "k",
            "default_model": "llama",
            "retrieval": mode,
            **NO_RETRIES,
        }
        self._inner = upstreams.transport()
        self.app: Proxy = create_app(
            Settings(**{**given, **more}), httpx.MockTransport(self._answer)
        )

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        found: httpx.Response | Exception | None = None
        if request.url.path.endswith("/chat/completions"):
            body = orjson.loads(request.content)
            self.models.append(body["model"])
            found = self.chat_fault(body)
        elif request.url.path == "/api/v3/search":
            self.searches += 1
            found = self.search_fault(orjson.loads(request.content))
        if isinstance(found, Exception):
            raise found
        return found or await self._inner.handle_async_request(request)

    async def ask(self, *, stream: bool = False, **body: Any) -> Answer:
        more = STREAM if stream else {}
        document = {"messages": [QUESTION], **more, **body}
        return await ask(self.app, document=document)

    async def heard(self, *, stream: bool = False, **body: Any) -> dict[str, Any]:
        answer = await self.ask(stream=stream, **body)
        assert answer.status == 200, answer.body
        if not stream:
            check_completion(answer.json())
            return assemble_reply(answer.json())
        view = check_stream(answer.body, include_usage=True)
        for chunk in view.chunks:
            check_chunk(chunk)
        return assemble(view.chunks)


def line_of(caplog: pytest.LogCaptureFixture) -> str:
    return next(each.getMessage() for each in reversed(caplog.records) if "access" in each.name)


# Fallback models


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "fault",
    [
        reply(500),
        reply(503),
        reply(429),
        reply(404),
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("late"),
    ],
    ids=["500", "503", "429", "404", "unreachable", "late"],
)
async def test_the_next_model_answers_what_the_first_could_not(
    fault: httpx.Response | Exception, caplog: pytest.LogCaptureFixture, *, stream: bool
) -> None:
    caplog.set_level("INFO", "proxy.access")
    world = World(Upstreams([Round("27.", top=by("qwen-3"))]), profiles=TWO)
    world.chat_fault = of_model("llama", fault)
    heard = await world.heard(stream=stream, model="hr")
    assert (heard["content"], heard["model"]) == ("27.", "qwen-3")
    assert world.models == ["llama", "qwen"]
    assert "model=hr answered_by=qwen-3 fallback=llama " in line_of(caplog)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_model_is_asked_again_before_the_next_one_is(*, stream: bool) -> None:
    upstreams = Upstreams([Round("27.", top=by("qwen-3"))])
    world = World(upstreams, profiles=TWO, model_retries=2)
    world.chat_fault = of_model(
        "llama", httpx.Response(503, json={}, headers={"retry-after-ms": "1"})
    )
    assert (await world.heard(stream=stream, model="hr"))["model"] == "qwen-3"
    assert world.models == ["llama", "llama", "llama", "qwen"]


async def test_a_refusal_that_outlasts_the_retries_is_told_before_a_wrong_name() -> None:
    world = World(Upstreams([]), profiles=TWO, model_retries=1)
    late = {"retry-after": "600"}
    faults = {"llama": httpx.Response(429, json={}, headers=late), "qwen": reply(404)}
    world.chat_fault = lambda body: faults[body["model"]]
    answer = await world.ask(model="hr")
    assert (answer.status, answer.headers["retry-after"]) == (429, "60")
    assert answer.headers["x-should-retry"] == "false"


async def test_an_open_circuit_is_no_fault_to_try_again() -> None:
    world = World(Upstreams([]), model_retries=5, breaker_failures=2)
    world.chat_fault = lambda _: httpx.Response(503, json={}, headers={"retry-after-ms": "1"})
    answer = await world.ask(model="llama")
    assert answer.json()["error"]["code"] == "upstream_circuit_open"
    assert answer.headers["x-should-retry"] == "false"
    assert world.models == ["llama", "llama"]


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_has_moved_on_stays_with_its_model_and_says_so(
    *, stream: bool
) -> None:
    rounds = [
        Round("Let me see.", calls=(search_call("leave"),), finish_reason="tool_calls"),
        Round("And on.", calls=(search_call("holidays"),), finish_reason="tool_calls"),
        Round("27 [1]."),
    ]
    names = iter(["llama", "qwen", "qwen"])
    upstreams = Upstreams([Round(**{**vars(each), "top": by(next(names))}) for each in rounds])
    upstreams.find(LEAVE)
    world = World(upstreams, profiles=TWO)
    world.chat_fault = of_model("llama", None, reply(503))
    heard = await world.heard(stream=stream, model="hr")
    assert world.models == ["llama", "llama", "qwen", "qwen"]
    assert heard["content"].endswith("27 [1].")
    assert heard["model"] == "qwen"
    assert heard["lighton"]["rounds"] == 3
    assert heard["lighton"]["citations"]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_model_that_the_upstream_does_not_name_is_named_as_it_was_asked(
    *, stream: bool
) -> None:
    world = World(Upstreams([Round("27.", top={"id": "x", "created": 1})]), profiles=TWO)
    world.chat_fault = of_model("llama", reply(503))
    assert (await world.heard(stream=stream, model="hr"))["model"] == "qwen"


async def test_a_streams_first_chunk_names_the_model_that_answers() -> None:
    upstreams = Upstreams([SEARCHING, Round("27.", top=by("qwen"))], [LEAVE])
    world = World(upstreams, profiles=TWO)
    world.chat_fault = of_model("llama", None, reply(503))
    answer = await world.ask(stream=True, model="hr")
    chunks = check_stream(answer.body, include_usage=True).chunks
    assert {chunk["model"] for chunk in chunks} == {"qwen"}


async def test_what_was_heard_is_not_taken_back() -> None:
    broken = httpx.Response(
        200,
        headers={"content-type": "text/event-stream"},
        content=delta_event({"role": "assistant", "content": "It is"})
        + b'data: {"error": {"message": "Engine died.", "code": 500}}\n\n',
    )
    world = World(Upstreams([Round("27.")]), profiles=TWO)
    world.chat_fault = of_model("llama", broken)
    answer = await world.ask(stream=True, model="hr")
    assert b"It is" in answer.body
    assert b'"error"' in answer.body
    assert DONE not in answer.body
    assert world.models == ["llama"]


async def test_a_stream_that_fails_before_its_first_word_moves_on() -> None:
    broken = httpx.Response(
        200,
        headers={"content-type": "text/event-stream"},
        content=delta_event({"role": "assistant", "content": ""})
        + b'data: {"error": {"message": "Engine died.", "code": 500}}\n\n',
    )
    world = World(Upstreams([Round("27.")]), profiles=TWO)
    world.chat_fault = of_model("llama", broken)
    assert (await world.heard(stream=True, model="hr"))["content"] == "27."
    assert world.models == ["llama", "qwen"]


async def test_a_request_at_fault_is_asked_of_one_model() -> None:
    world = World(Upstreams([Round("27.")]), profiles=TWO)
    world.chat_fault = of_model("llama", reply(400))
    answer = await world.ask(model="hr")
    assert (answer.status, world.models) == (400, ["llama"])


async def test_a_model_without_others_fails_alone() -> None:
    world = World(Upstreams([Round("27.")]), profiles=TWO)
    world.chat_fault = always(503)
    assert (await world.ask(model="llama")).status == 503
    assert world.models == ["llama"]


@pytest.mark.parametrize("mode", ["context", "hybrid"])
async def test_a_model_that_is_gone_is_replaced_before_the_first_search(mode: str) -> None:
    upstreams = Upstreams([Round("27 [1].")], [LEAVE])
    upstreams.listed = ("qwen",)
    world = World(upstreams, mode, profiles={"hr": {"models": ["gone", "qwen"]}})
    world.chat_fault = of_model("gone", reply(422))
    heard = await world.heard(model="hr")
    assert heard["content"] == "27 [1]."
    assert world.models == ["gone", "qwen"]
    assert world.searches == 1


async def test_each_model_gets_the_history_in_its_own_dialect() -> None:
    upstreams = Upstreams([Round("27.")])
    world = World(upstreams, profiles={"hr": {"models": ["llama", "mistral-small"]}})
    world.chat_fault = of_model("llama", reply(503))
    two = [{"role": "user", "content": "one"}, {"role": "user", "content": "two"}]
    await world.heard(model="hr", messages=two, lighton={"retrieval": "off"})
    assert upstreams.asked[-1]["messages"] == [{"role": "user", "content": "one\n\ntwo"}]


async def test_thoughts_go_back_only_to_the_model_that_had_them() -> None:
    weather = {"type": "function", "function": {"name": "get_weather", "parameters": {}}}
    calling = Round(
        reasoning="The weather first.",
        calls=(Call("get_weather", "{}"), search_call("leave")),
        finish_reason="tool_calls",
        top=by("qwen"),
    )
    upstreams = Upstreams([calling, Round("Fine.")], [LEAVE])
    world = World(upstreams, profiles=TWO)
    world.chat_fault = of_model("llama", reply(503), None)
    heard = await world.heard(model="hr", tools=[weather])
    (call,) = heard["tool_calls"]
    said = {"function": {"name": "get_weather", "arguments": "{}"}}
    messages = [
        QUESTION,
        {"role": "assistant", "tool_calls": [{"id": call["id"], "type": "function", **said}]},
        {"role": "tool", "tool_call_id": call["id"], "content": "Sun."},
    ]
    await world.heard(model="hr", tools=[weather], messages=messages)
    assert world.models == ["llama", "qwen", "llama"]
    assert "The weather first." not in str(upstreams.asked[-1])


# The breaker


@pytest.mark.parametrize("stream", [False, True])
async def test_a_model_that_keeps_failing_is_not_asked_and_the_client_learns_until_when(
    caplog: pytest.LogCaptureFixture, *, stream: bool
) -> None:
    caplog.set_level("INFO", "proxy.access")
    world = World(Upstreams([Round("27."), Round("28.")]), breaker_failures=3)
    world.chat_fault = of_model("llama", reply(503))
    with skipping_clock() as clock:
        for _ in range(3):
            assert (await world.ask(stream=stream)).status == 503
        refused = await world.ask(stream=stream)
        assert (refused.status, refused.headers["retry-after"]) == (503, "1")
        check_error(refused.json())
        assert refused.json()["error"]["code"] == "upstream_circuit_open"
        assert "cause=circuit_open" in line_of(caplog)
        assert len(world.models) == 3
        assert (await world.heard(stream=stream, model="qwen"))["content"] == "27."
        world.chat_fault = lambda _: None
        clock.skip(1)
        assert (await world.heard(stream=stream))["content"] == "28."


async def test_an_open_breaker_moves_an_answer_on_without_asking() -> None:
    world = World(Upstreams([Round("27.")] * 9), profiles=TWO, breaker_failures=2)
    world.chat_fault = of_model("llama", reply(503))
    for _ in range(4):
        await world.heard(model="hr")
    assert world.models == ["llama", "qwen", "llama", "qwen", "qwen", "qwen"]


async def test_too_many_requests_open_nothing() -> None:
    world = World(Upstreams([]), breaker_failures=2)
    world.chat_fault = always(429)
    for _ in range(5):
        assert (await world.ask()).status == 429
    assert len(world.models) == 5


async def test_with_zero_failures_nothing_opens() -> None:
    world = World(Upstreams([]), breaker_failures=0)
    world.chat_fault = always(503)
    for _ in range(9):
        await world.ask()
    assert len(world.models) == 9


async def test_a_host_that_cannot_be_reached_is_left_alone_by_all_its_models() -> None:
    world = World(Upstreams([]), breaker_failures=2)
    world.chat_fault = lambda _: httpx.ConnectError("refused")
    for model in ("llama", "qwen"):
        assert (await world.ask(model=model)).status == 502
    answer = await world.ask(model="llama")
    assert (answer.status, answer.json()["error"]["code"]) == (503, "upstream_circuit_open")
    assert len(world.models) == 2


async def test_searches_that_keep_failing_are_not_sent() -> None:
    upstreams = Upstreams([SEARCHING, Round("I do not know.")] * 5)
    world = World(upstreams, breaker_failures=2, search_cache_ttl=0)
    world.search_fault = always(503)
    for _ in range(4):
        heard = await world.heard()
        assert heard["lighton"]["ungrounded"] is True
    assert world.searches == 2
    (search,) = heard["lighton"]["searches"]
    assert search["error"].startswith("LightOn keeps failing")


async def test_a_client_that_hangs_up_opens_nothing() -> None:
    came = asyncio.Event()
    world = World(Upstreams([Round("27.")]), breaker_failures=1)

    class Hanging(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002  # the protocol
            came.set()
            await asyncio.Event().wait()
            raise AssertionError

    world._inner = Hanging()  # type: ignore[assignment]  # a transport all the same
    for _ in range(3):
        came.clear()
        gone = asyncio.Event()
        asking = asyncio.create_task(
            ask(world.app, document={"messages": [QUESTION]}, hangs_up=gone)
        )
        await came.wait()
        gone.set()
        await asking
    world._inner = world.upstreams.transport()
    assert (await world.heard())["content"] == "27."


# Without a search


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("mode", MODES)
async def test_an_answer_given_although_its_searches_failed_says_so(
    mode: str, *, stream: bool
) -> None:
    rounds = [SEARCHING] if mode == "tool" else []
    world = World(Upstreams([*rounds, Round("I guess 27.")]), mode)
    world.search_fault = always(503)
    report = (await world.heard(stream=stream))["lighton"]
    assert report["ungrounded"] is True
    assert report["citations"] == []
    assert "refused" not in report


@pytest.mark.parametrize("mode", MODES)
async def test_an_answer_that_rests_on_a_search_is_grounded(mode: str) -> None:
    rounds = [SEARCHING] if mode == "tool" else []
    world = World(Upstreams([*rounds, Round("27 [1].")], [LEAVE]), mode)
    assert "ungrounded" not in (await world.heard())["lighton"]


async def test_an_answer_is_grounded_if_one_of_its_searches_brought_something() -> None:
    calls = (search_call("leave"), search_call("holidays"))
    both = Round(calls=calls, finish_reason="tool_calls")
    world = World(Upstreams([both, Round("27 [1].")], [LEAVE]))
    world.search_fault = lambda body: reply(503) if body["query"] == "holidays" else None
    assert "ungrounded" not in (await world.heard())["lighton"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("mode", MODES)
async def test_an_answer_whose_searches_failed_is_refused(mode: str, *, stream: bool) -> None:
    secret = Round("It is SECRET.", reasoning="SECRET thoughts")
    rounds = {"tool": [SEARCHING, secret], "context": [], "hybrid": [secret]}[mode]
    world = World(Upstreams(rounds), mode, on_search_error="refuse")
    world.search_fault = always(503)
    heard = await world.heard(stream=stream)
    assert heard["content"] == UNSEARCHED["en"]
    assert heard["finish_reason"] == "stop"
    assert heard["lighton"]["refused"] is True
    assert "ungrounded" not in heard["lighton"]
    assert heard["lighton"]["citations"] == []
    assert heard["lighton"]["searches"][0]["error"]
    assert "SECRET" not in str(heard)


@pytest.mark.parametrize("mode", MODES)
async def test_the_operators_own_words_refuse_in_the_language_of_the_question(mode: str) -> None:
    rounds = [SEARCHING] if mode == "tool" else []
    texts = {"fr": "Demandez aux RH."}
    world = World(
        Upstreams([*rounds, Round("27.")]), mode, on_search_error="refuse", refusal_text=texts
    )
    world.search_fault = always(503)
    french = {"role": "user", "content": "Combien de jours de congé ai-je ?"}
    assert (await world.heard(messages=[french]))["content"] == "Demandez aux RH."


@pytest.mark.parametrize("mode", MODES)
async def test_a_chore_is_never_refused(mode: str) -> None:
    chore = {"role": "user", "content": "### Task:\nGenerate a concise, 3-5 word title."}
    world = World(Upstreams([Round("Leave")]), mode, on_search_error="refuse")
    world.search_fault = always(503)
    assert (await world.heard(messages=[chore]))["content"] == "Leave"


@pytest.mark.parametrize("mode", ["context", "hybrid"])
async def test_small_talk_is_answered(mode: str) -> None:
    hello = {"role": "user", "content": "Hello, how are you today?"}
    world = World(Upstreams([Round("Hello!")]), mode, on_search_error="refuse")
    world.search_fault = always(503)
    assert (await world.heard(messages=[hello]))["content"] == "Hello!"


@pytest.mark.parametrize("mode", MODES)
async def test_a_client_that_wants_json_gets_an_error_instead_of_a_refusal(mode: str) -> None:
    rounds = [SEARCHING] if mode == "tool" else []
    world = World(Upstreams([*rounds, Round('{"days": 27}')]), mode, on_search_error="refuse")
    world.search_fault = always(503)
    answer = await world.ask(response_format={"type": "json_object"})
    assert answer.status == 503
    check_error(answer.json())


async def test_a_search_that_succeeds_after_one_that_failed_ends_the_silence() -> None:
    again = Round(calls=(search_call("days off"),), finish_reason="tool_calls")
    world = World(
        Upstreams([SEARCHING, again, Round("27 [1].")], [LEAVE]), on_search_error="refuse"
    )
    world.search_fault = lambda body: reply(503) if body["query"] == "leave" else None
    heard = await world.heard()
    assert heard["content"] == "27 [1]."
    assert "refused" not in heard["lighton"]
    assert "ungrounded" not in heard["lighton"]


async def test_an_answer_that_cites_what_an_earlier_one_found_is_grounded() -> None:
    upstreams = Upstreams([SEARCHING, Round("27 [1]."), SEARCHING_ON, Round("27 [1], as said.")])
    upstreams.find(LEAVE)
    world = World(upstreams)
    first = await world.heard()
    world.search_fault = always(503)
    said = {"role": "assistant", "content": first["content"]}
    heard = await world.heard(messages=[QUESTION, said, {"role": "user", "content": "And now?"}])
    assert heard["lighton"]["searches"][0]["error"]
    assert heard["lighton"]["citations"]
    assert "ungrounded" not in heard["lighton"]
