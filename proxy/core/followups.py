"""Which searches a question gets before the first round, and how their results become one list.

"And for managers?" names nothing that a search could find, so what was asked before it helps. A new
question needs no help, and nobody can tell the two apart for sure. So a short message that follows
another one is searched twice, alone and after the one before it. The two share the results that
one search brings, and the best results of both come first.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Final, Literal, NamedTuple, TypeVar

from proxy.core.chat import last_user_place, last_user_text, text_of
from proxy.core.chores import is_chore
from proxy.core.small_talk import is_small_talk
from proxy.core.wire import Message

Followups = Literal["merge", "off"]
"""Whether a short message is searched together with the one before it, too."""

LONGEST_FOLLOWUP: Final = 200
"""A longer message, in characters, says itself what it is about."""
_FEWEST_RESULTS: Final = 2
"""Two searches have no use where there is room for one result alone."""
_BETWEEN: Final = "\n"

_T = TypeVar("_T")


class Question(NamedTuple):
    """What to search for."""

    text: str
    results: int
    """How many results to ask for."""


def first_questions(
    messages: list[Message], *, followups: Followups, query_chars: int, results: int
) -> tuple[Question, ...]:
    """What to search before the first round: first the last user message, cut to `query_chars`.

    One search brings `results`. There are none for a chore, or a message without text.
    """
    last = last_user_text(messages)
    if not last or is_chore(messages):
        return ()
    query = last[:query_chars].strip()
    earlier = ""
    if followups == "merge" and results >= _FEWEST_RESULTS and _may_follow(last):
        room = max(query_chars - len(last) - len(_BETWEEN), 0)
        earlier = _said_before(messages)[:room].strip()
    if not earlier or _words(earlier) == _words(last):
        return (Question(query, results),)
    share = share_of(results)
    return Question(query, share), Question(f"{earlier}{_BETWEEN}{query}", share)


def share_of(results: int) -> int:
    """How many results each of two searches brings: 60 percent, as they often find the same."""
    return -(-results * 3 // 5)


def interleave(
    rankings: Sequence[Sequence[_T]], most: int, key: Callable[[_T], Hashable]
) -> list[_T]:
    """At most `most` entries of all rankings, by rank; of entries with one key, the best one."""
    longest = max(map(len, rankings), default=0)
    merged: dict[Hashable, _T] = {}
    for each in (one[rank] for rank in range(longest) for one in rankings if rank < len(one)):
        merged.setdefault(key(each), each)
    return list(merged.values())[:most]


def _may_follow(last: str) -> bool:
    """Whether the message may mean the one before it. "Thanks!" does not, "managers" does."""
    return len(last) <= LONGEST_FOLLOWUP and not is_small_talk(last)


def _said_before(messages: Sequence[Message]) -> str:
    """The text of the user message before the last one that asks: no image, no "Thanks!"."""
    before = messages[: last_user_place(messages)]
    said = (text_of(each.get("content")).strip() for each in reversed(before) if _is_user(each))
    return next((each for each in said if not is_small_talk(each)), "")


def _is_user(message: Message) -> bool:
    return message["role"] == "user"


def _words(text: str) -> list[str]:
    return text.casefold().split()
