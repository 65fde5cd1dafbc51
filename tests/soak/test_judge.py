"""What is said of replies."""

from typing import Any

import orjson
import pytest

from tests.soak.client import Heard
from tests.soak.judge import Verdict, judge
from tests.soak.plans import Fault, Plan, mark_of
from tests.support.script import DONE, delta_chunk, event
from tests.upstreams.raw_server import chunked, reply

OWN, OTHER = mark_of(1, 1), mark_of(1, 2)
TOP = {"id": "chatcmpl-1", "created": 1, "model": "soaked"}
PLAN = Plan(1, OWN, pieces=3)
STRUCK = Plan(1, OWN, pieces=3, model=(Fault.CUT,))


def stream(*texts: str, end: bytes | None = None, lighton: Any = None) -> Heard:
    """A reply in which these texts come, one in each event."""
    deltas = [{"role": "assistant", "content": ""}, *({"content": text} for text in texts)]
    chunks = [delta_chunk(delta, top=TOP) for delta in deltas]
    last = delta_chunk({}, "stop", top=TOP)
    if lighton is not None:
        last["lighton"] = lighton
    end = event(last) + DONE if end is None else end
    return Heard(chunked(*map(event, chunks), end, b""), has_ended=True)


def refused(status: str, code: str | None = "busy") -> Heard:
    error = {"message": "no", "type": "upstream_error", "param": None, "code": code}
    return Heard(reply(orjson.dumps({"error": error}), status=status), has_ended=True)


FAILED = event(
    {"error": {"message": "no", "type": "upstream_error", "param": None, "code": "broke"}}
)


def test_a_whole_answer_with_its_own_text_is_well() -> None:
    assert judge(PLAN, stream(*PLAN.said())) == Verdict("answered")


def test_retries_are_those_that_the_answer_tells_of() -> None:
    assert judge(PLAN, stream(*PLAN.said(), lighton={"retries": 2})) == Verdict("answered", 2)


@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_text_of_another_stream_is_found_wherever_it_stands(place: int) -> None:
    said = PLAN.said()
    said.insert(place, f"what {OTHER} was told")
    assert judge(PLAN, stream(*said)).wrong == (f"it holds text of {OTHER}",) * 3


def test_text_of_another_stream_is_found_in_two_events() -> None:
    said = [*PLAN.said(), OTHER[:4], OTHER[4:]]
    assert judge(PLAN, stream(*said)).wrong == (f"it holds text of {OTHER}",)


def test_text_of_another_stream_is_found_across_the_frames_of_http() -> None:
    first = event(delta_chunk({"role": "assistant", "content": OTHER}, top=TOP))
    last = event(delta_chunk({}, "stop", top=TOP)) + DONE
    at = first.index(OTHER.encode()) + 4
    data = chunked(first[:at], first[at:], last, b"")
    assert OTHER.encode() not in data
    verdict = judge(Plan(1, OWN, pieces=0), Heard(data, has_ended=True))
    assert set(verdict.wrong) == {f"it holds text of {OTHER}"}


def test_text_of_another_stream_is_found_in_an_error() -> None:
    assert judge(STRUCK, refused("502 Bad Gateway", OTHER)).wrong != ()


def test_text_of_another_stream_is_found_in_what_a_client_heard_that_left() -> None:
    heard = Heard(OTHER.encode(), has_left=True)
    assert judge(PLAN, heard) == Verdict("left", wrong=(f"it holds text of {OTHER}",))


def test_an_answer_that_lacks_its_end_is_wrong_unless_it_says_so() -> None:
    short = PLAN.said()[:2]
    assert judge(PLAN, stream(*short)).wrong == ("the answer has 2 of 3 pieces, and no error",)
    assert judge(STRUCK, stream(*short, end=FAILED)) == Verdict("failed")


@pytest.mark.parametrize("order", [(0, 2), (0, 0, 1, 2), (1, 0, 2)])
def test_pieces_that_are_missing_or_come_twice_are_wrong(order: tuple[int, ...]) -> None:
    said = [PLAN.said()[n] for n in order]
    told = "pieces of the answer are missing, or came twice"
    assert judge(PLAN, stream(*said)).wrong == (told,)
    assert judge(STRUCK, stream(*said, end=FAILED)).wrong == (told,)


def test_a_stream_without_a_fault_must_not_fail() -> None:
    verdict = judge(PLAN, stream(*PLAN.said(), end=FAILED))
    assert verdict.outcome == "failed"
    assert verdict.wrong[0].startswith("it failed without a reason")


@pytest.mark.parametrize(
    ("status", "may_be", "may_be_struck"),
    [
        ("429 Too Many Requests", True, True),
        ("503 Service Unavailable", True, True),
        ("502 Bad Gateway", False, True),
        ("504 Gateway Timeout", False, True),
        ("500 Internal Server Error", False, False),
        ("400 Bad Request", False, False),
    ],
)
def test_a_refusal_needs_a_reason(status: str, *, may_be: bool, may_be_struck: bool) -> None:
    verdict = judge(PLAN, refused(status))
    assert verdict.outcome == f"{status[:3]} busy"
    assert (not verdict.wrong) is may_be
    assert (not judge(STRUCK, refused(status)).wrong) is may_be_struck


def test_a_refusal_without_a_code_goes_by_its_type() -> None:
    assert judge(STRUCK, refused("502 Bad Gateway", None)).outcome == "502 upstream_error"


def test_what_does_not_end_in_time_is_wrong() -> None:
    assert judge(PLAN, Heard(b"HTTP/1.1 200 OK\r\n")).wrong == ("it did not end in time",)


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 2"])
def test_what_is_no_whole_reply_is_wrong(data: bytes) -> None:
    assert judge(STRUCK, Heard(data, has_ended=True)).outcome == "malformed"


def test_an_answer_in_one_piece_is_judged_by_the_same_rules() -> None:
    plan = Plan(1, OWN, pieces=3, is_streamed=False)
    message = {"role": "assistant", "content": "".join(plan.said())}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    body = {**TOP, "object": "chat.completion", "choices": [choice], "lighton": {"retries": 1}}
    whole = Heard(reply(orjson.dumps(body)), has_ended=True)
    assert judge(plan, whole) == Verdict("answered", 1)
    message["content"] += OTHER
    assert judge(plan, Heard(reply(orjson.dumps(body)), has_ended=True)).wrong
