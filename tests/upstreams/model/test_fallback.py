"""The models of one answer: which errors move it on, and what the client has heard by then."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.frames import Frame, TextChunk
from proxy.core.wire import Chunk
from proxy.errors import (
    BadCredentials,
    BadReply,
    BadRequest,
    CircuitOpen,
    ModelNotFound,
    Overloaded,
    ProxyError,
    QueueTimeout,
    RateLimited,
    Unreachable,
    UpstreamError,
    UpstreamRejected,
    UpstreamTimeout,
)
from proxy.tasks import Behind
from proxy.upstreams.model.fallback import Fallback, may_move
from tests.upstreams.model.played import FULL, Played, asking, saying

FRAME = Frame({"choices": []}, {"index": 0, "delta": {}})
ROLE = saying({"role": "assistant", "content": ""})


class Heard:
    def __init__(self) -> None:
        self.chunks: list[Any] = []

    def __call__(self, chunks: list[Chunk | TextChunk]) -> Behind:
        self.chunks += chunks
        return None

    @property
    def text(self) -> str:
        choices = (each["choices"][0]["delta"] for each in self.chunks)
        return "".join(each.get("content") or "" for each in choices)


def refused(error: UpstreamError) -> UpstreamError:
    error.is_refused = True
    return error


def of(upstream: Played, *models: str) -> Fallback:
    return Fallback(upstream, models or ("a", "b", "c"))


async def test_the_first_model_answers_while_it_can() -> None:
    upstream, heard = Played(), Heard()
    one = of(upstream)
    await one.ask(asking("a"), heard)
    assert (upstream.asked, heard.text, one.moved_to) == (["a"], "a", "")
    assert "model" not in heard.chunks[0]


async def test_an_answer_that_has_moved_on_stays_where_it_is() -> None:
    upstream, heard = Played(), Heard()
    upstream.will("a", FULL)
    one = of(upstream)
    for _ in range(3):
        await one.ask(asking("a"), heard)
    assert (upstream.asked, heard.text, one.moved_to) == (["a", "b", "b", "b"], "bbb", "b")
    upstream.will("b", FULL)
    await one.ask(asking("a"), heard)
    assert (upstream.asked[-2:], one.moved_to) == (["b", "c"], "c")


async def test_the_client_learns_who_answers_also_if_the_upstream_does_not_say_so() -> None:
    upstream, heard = Played(), Heard()
    upstream.will("a", FULL)
    upstream.opening = [ROLE]
    await of(upstream).ask(asking("a"), heard)
    assert heard.chunks[0] == {**ROLE, "model": "b"}
    upstream.opening = [{**ROLE, "model": "b-2511"}]
    upstream.will("a", FULL)
    heard = Heard()
    await of(upstream).ask(asking("a"), heard)
    assert heard.chunks[0]["model"] == "b-2511"


async def test_it_does_so_also_if_the_first_words_come_in_a_frame() -> None:
    heard = Heard()
    one = Fallback(InFrame(), ("a", "b"))
    await one.ask(asking("a"), heard)
    (chunk,) = heard.chunks
    assert (chunk["model"], chunk["choices"][0]["delta"]) == ("b", {"content": "Hi"})


class InFrame(Played):
    async def ask(self, body: Any, hear: Any) -> None:
        if body["model"] == "a":
            raise FULL.again()
        hear([TextChunk(FRAME, "Hi", b"Hi")])


async def test_the_opening_of_a_stream_that_fails_is_not_heard() -> None:
    upstream, heard = Played(), Heard()
    upstream.opening = [ROLE]
    upstream.will("a", FULL)
    upstream.will("b", FULL)
    await of(upstream).ask(asking("a"), heard)
    assert [each["choices"][0]["delta"] for each in heard.chunks] == [
        {"role": "assistant", "content": ""},
        {"content": "c"},
        {},
    ]


@pytest.mark.parametrize(
    "said",
    [
        saying({"content": "Hello"}),
        saying({"reasoning_content": "Hm."}),
        saying({"tool_calls": [{"index": 0, "function": {"name": "get_weather"}}]}),
        saying({"refusal": "No."}),
        saying({}, finish_reason="stop"),
        TextChunk(FRAME, "Hello", b"Hello"),
    ],
)
async def test_a_round_of_which_something_was_heard_does_not_move(said: Any) -> None:
    upstream, heard = Played(), Heard()
    upstream.opening = [ROLE, said]
    upstream.will("a", FULL)
    one = of(upstream)
    with pytest.raises(Overloaded):
        await one.ask(asking("a"), heard)
    assert heard.chunks == [ROLE, said]
    assert (upstream.asked, one.moved_to) == (["a"], "")


@pytest.mark.parametrize(
    ("error", "moves"),
    [
        (ModelNotFound.of("a"), True),
        (RateLimited("Scaleway", "Full.", cause="status_429"), True),
        (CircuitOpen("Scaleway", "Open.", cause="circuit_open"), True),
        (Overloaded("Scaleway", "Down.", cause="status_503"), True),
        (UpstreamError("Scaleway", "Broken.", cause="status_500"), True),
        (UpstreamError("Scaleway", "Gone.", cause="status_410"), True),
        (UpstreamTimeout("Scaleway", "Late.", cause="status_504"), True),
        (refused(Unreachable("Scaleway", "No connection.", cause="refused")), True),
        (refused(UpstreamTimeout("Scaleway", "No connection.", cause="connect_timeout")), True),
        (UpstreamRejected("Scaleway", "No model.", param="model", cause="status_422"), True),
        (UpstreamRejected("Scaleway", "Too long.", cause="status_400"), False),
        (UpstreamTimeout("Scaleway", "Silent.", cause="read_timeout"), False),
        (Unreachable("Scaleway", "Broke.", cause="reset"), False),
        (BadReply("Scaleway", "What?", cause="not_json"), False),
        (BadCredentials("Scaleway", "No.", cause="status_403"), False),
        (BadRequest("No."), False),
    ],
)
async def test_which_errors_another_model_may_answer(error: ProxyError, *, moves: bool) -> None:
    assert may_move(error) is moves
    upstream = Played()
    upstream.will("a", error)
    if moves:
        await of(upstream).ask(asking("a"), Heard())
        assert upstream.asked == ["a", "b"]
    else:
        with pytest.raises(type(error)):
            await of(upstream).ask(asking("a"), Heard())
        assert upstream.asked == ["a"]


@pytest.mark.parametrize("is_of_model", [True, False])
def test_the_next_model_answers_for_one_that_is_held_and_not_for_all_that_are_busy(
    *, is_of_model: bool
) -> None:
    error = QueueTimeout("Busy.", retry_after_s=1)
    error.is_of_model = is_of_model
    assert may_move(error) is is_of_model


async def test_where_all_fail_the_error_is_one_that_passes() -> None:
    upstream = Played()
    upstream.will("a", RateLimited("Scaleway", "Full.", retry_after_s=7))
    upstream.will("b", ModelNotFound.of("b"))
    with pytest.raises(RateLimited) as told:
        await of(upstream, "a", "b").ask(asking("a"), Heard())
    assert told.value.retry_after_s == 7
    upstream.will("a", ModelNotFound.of("a"))
    upstream.will("b", ModelNotFound.of("b"))
    with pytest.raises(ModelNotFound, match="'b'"):
        await of(upstream, "a", "b").ask(asking("a"), Heard())


async def test_an_error_that_outlasted_our_retries_is_still_one_that_passes() -> None:
    tried = RateLimited("Scaleway", "Full.", retry_after_s=7)
    tried.outlast()
    upstream = Played()
    upstream.will("a", tried)
    upstream.will("b", ModelNotFound.of("b"))
    with pytest.raises(RateLimited) as told:
        await of(upstream, "a", "b").ask(asking("a"), Heard())
    assert (told.value.retry_after_s, told.value.retryable) == (7, False)


async def test_no_sdk_repeats_what_was_tried_again_of_any_model() -> None:
    tried = RateLimited("Scaleway", "Full.", retry_after_s=7)
    tried.outlast()
    upstream = Played()
    upstream.will("a", CircuitOpen("Scaleway", "Open.", retry_after_s=1))
    upstream.will("b", tried)
    with pytest.raises(CircuitOpen) as told:
        await of(upstream, "a", "b").ask(asking("a"), Heard())
    assert (told.value.retry_after_s, told.value.retryable) == (1, False)


async def test_a_request_at_fault_says_so_whatever_came_before() -> None:
    upstream = Played()
    upstream.will("a", FULL)
    upstream.will("b", UpstreamRejected("Scaleway", "Too long.", cause="status_400"))
    with pytest.raises(UpstreamRejected):
        await of(upstream, "a", "b").ask(asking("a"), Heard())


async def test_what_is_required_before_a_search_moves_too() -> None:
    upstream, heard = Played(), Heard()
    upstream.will("a", ModelNotFound.of("a"))
    one = of(upstream)
    await one.require("a")
    assert (upstream.required, one.moved_to) == (["a", "b"], "b")
    await one.ask(asking("a"), heard)
    assert (upstream.asked, heard.text) == (["b"], "b")


async def test_a_model_alone_is_asked_as_it_is() -> None:
    upstream, heard = Played(), Heard()
    upstream.will("a", FULL)
    upstream.opening = [ROLE]
    with pytest.raises(Overloaded):
        await of(upstream, "a").ask(asking("a"), heard)
    assert heard.chunks == [ROLE]
    assert of(upstream).name == "Scaleway"


async def test_a_round_without_a_word_is_heard_at_its_end_and_waits_for_its_hearer() -> None:
    gate = asyncio.Event()

    class Empty(Played):
        async def ask(self, body: Any, hear: Any) -> None:  # noqa: ARG002  # the protocol
            assert hear([ROLE]) is None

    def hear(chunks: list[Chunk | TextChunk]) -> Behind:
        assert chunks == [ROLE]
        return asyncio.ensure_future(_wait(gate))

    asked = asyncio.create_task(of(Empty()).ask(asking("a"), hear))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not asked.done()
    gate.set()
    await asked


async def _wait(gate: asyncio.Event) -> None:
    await gate.wait()


async def test_a_failure_leaves_no_cycle_behind() -> None:
    class Weak(Played):
        pass

    gc.collect()
    gc.disable()
    try:
        upstream = Weak()
        for model in "abc":
            upstream.will(model, FULL)
        seen = weakref.ref(upstream)
        with pytest.raises(Overloaded) as told:
            await of(upstream).ask(asking("a"), Heard())
        del told, upstream
        assert seen() is None
    finally:
        gc.enable()


@given(st.lists(st.sampled_from(["ok", "full", "bad"]), max_size=8), st.integers(1, 4))
def test_no_model_is_asked_after_a_later_one_and_none_twice_in_a_round(
    plan: list[str], many: int
) -> None:
    models = [str(number) for number in range(many)]
    upstream = Played()
    one = of(upstream, *models)

    async def play() -> None:
        for outcome in plan:
            begin = len(upstream.asked)
            if outcome != "ok":
                fault = FULL if outcome == "full" else BadRequest("No.")
                upstream.will(one.moved_to or models[0], fault)
            try:
                await one.ask(asking(models[0]), Heard())
            except ProxyError:
                assert outcome == "bad" or one.moved_to == (models[-1] if many > 1 else "")
            this_round = upstream.asked[begin:]
            assert len(set(this_round)) == len(this_round) <= 2

    asyncio.run(play())
    assert upstream.asked == sorted(upstream.asked, key=int)
