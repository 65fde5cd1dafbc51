"""Judges what one client heard: whose text it is, and whether a reply is what it must be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import orjson

from tests.fuzz.http_reading import Reply, read_replies
from tests.soak.client import Heard
from tests.soak.plans import MARK, Plan
from tests.support.openai_assemble import assemble, assemble_reply
from tests.support.openai_stream import check_stream

_PIECE: Final = re.compile(r"Zq[a-z]{6}qZ-(\d+)")
_OWN_FAULTS: Final = frozenset({429, 502, 503, 504})
"""What a client may be told of what an upstream did to its own stream."""
_OTHERS_FAULTS: Final = frozenset({429, 503})
"""What it may be told for what befell others: a queue is full, a circuit is open."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a stream ended: `answered`, `failed` in its middle, `left`, or the code of a refusal.

    `wrong` says what must not be.
    """

    outcome: str
    retries: int = 0
    wrong: tuple[str, ...] = ()


def judge(plan: Plan, heard: Heard) -> Verdict:
    """What to say of one stream."""
    wrong = _foreign(plan, heard.data.decode(errors="replace"))
    if heard.has_left:
        return Verdict("left", wrong=wrong)
    if not heard.has_ended:
        return Verdict("without end", wrong=(*wrong, "it did not end in time"))
    try:
        verdict = _of_reply(plan, _only_reply(heard.data))
    except AssertionError as fault:
        return Verdict("malformed", wrong=(*wrong, f"the reply is malformed: {fault}"))
    return Verdict(verdict.outcome, verdict.retries, (*wrong, *verdict.wrong))


def _foreign(plan: Plan, text: str) -> tuple[str, ...]:
    """What the text holds of other streams."""
    others = sorted(set(MARK.findall(text)) - {plan.mark})
    return (f"it holds text of {', '.join(others)}",) if others else ()


def _only_reply(data: bytes) -> Reply:
    replies, rest = read_replies(data, [b"POST"], has_ended=True)
    assert len(replies) == 1, f"{len(replies)} replies"
    assert not rest, f"more follows the reply: {rest!r}"
    return replies[0]


def _of_reply(plan: Plan, reply: Reply) -> Verdict:
    # Once more, and without the framing of HTTP, which may cut a mark in two.
    wrong = _foreign(plan, reply.body.decode(errors="replace"))
    if reply.status != 200:
        error = orjson.loads(reply.body)["error"]
        outcome = f"{reply.status} {error['code'] or error['type']}"
        known = _OTHERS_FAULTS if plan.is_harmless else _OWN_FAULTS
        return Verdict(outcome, wrong=wrong if reply.status in known else (*wrong, outcome))
    if not plan.is_streamed:
        return _of_answer(plan, assemble_reply(orjson.loads(reply.body)), "answered", wrong)
    view = check_stream(reply.body)
    answer = assemble(view.chunks)
    if view.error is None:
        return _of_answer(plan, answer, "answered", wrong)
    if plan.is_harmless:
        wrong = (*wrong, f"it failed without a reason: {view.error}")
    return _of_answer(plan, answer, "failed", wrong)


def _of_answer(plan: Plan, answer: dict[str, Any], outcome: str, wrong: tuple[str, ...]) -> Verdict:
    # And once more, as the client puts its text together.
    text = answer["content"] or ""
    wrong = (*wrong, *_foreign(plan, text))
    said = [int(number) for number in _PIECE.findall(text)]
    if said != list(range(1, len(said) + 1)):
        wrong = (*wrong, "pieces of the answer are missing, or came twice")
    elif outcome == "answered" and len(said) != plan.pieces:
        wrong = (*wrong, f"the answer has {len(said)} of {plan.pieces} pieces, and no error")
    return Verdict(outcome, (answer["lighton"] or {}).get("retries", 0), wrong)
