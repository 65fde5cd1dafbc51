"""docs/access.md lists the attempts that tests make, with their outcomes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.test_attempts import WIDENING, Refused
from tests.test_attempts_of_people import ATTEMPTS as OF_PEOPLE
from tests.test_attempts_on_stored import ON_STORED
from tests.test_attempts_to_be_another import (
    BY_PLAIN_HEADER,
    BY_SIGNED_HEADER,
    BY_TOKEN,
    TO_BE_ANOTHER,
)
from tests.test_attempts_to_cross import CROSSING
from tests.test_limits_hold import ATTEMPTS

DOCUMENT = (Path(__file__).parents[1] / "docs" / "access.md").read_text(encoding="utf-8")


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table of Markdown."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def exhausting() -> Iterator[tuple[str, ...]]:
    for attempt in ATTEMPTS:
        limits = ", ".join(f"`{name}` {limit}" for name, limit in attempt.limits.items())
        statuses = [str(each) for each in attempt.statuses]
        code = f" `{attempt.code}`" if "429" in statuses else ""
        yield attempt.what, limits, ", ".join(statuses) + code


def being(way: str) -> Iterator[tuple[str, str]]:
    tried = {"token": BY_TOKEN, "signed header": BY_SIGNED_HEADER, "plain header": BY_PLAIN_HEADER}
    return ((each.says, str(each.outcome)) for each in tried[way])


TABLES = {
    "widen": table(
        ("attempt to widen", "outcome"), ((each.says, str(each.outcome)) for each in WIDENING)
    ),
    "cross": table(("attempt to cross", "outcome"), (each[:2] for each in (*CROSSING, *ON_STORED))),
    "reach past the rules": table(
        ("attempt to reach past the rules", "outcome"),
        ((each.says, str(each.outcome)) for each in OF_PEOPLE),
    ),
    **{
        f"be another by {way}": table((f"attempt to be another by {way}", "outcome"), being(way))
        for way in ("token", "signed header", "plain header")
    },
    "exhaust": table(("attempt to exhaust", "limit", "statuses, one by one"), exhausting()),
}


@pytest.mark.parametrize("name", TABLES)
def test_the_page_lists_the_attempts_that_are_tested(name: str) -> None:
    (shown,) = re.findall(rf"^\| attempt to {name} \|.*\n(?:\|.*\n)+", DOCUMENT, re.MULTILINE)
    assert shown == TABLES[name]


def test_there_are_more_than_forty_attempts_and_no_two_are_the_same() -> None:
    rows = [row for each in TABLES.values() for row in each.splitlines()[2:]]
    assert len(rows) > 40
    assert len(set(rows)) == len(rows)


def test_there_are_more_than_thirty_attempts_to_be_somebody_else() -> None:
    refused = [each for each in TO_BE_ANOTHER if isinstance(each.outcome, Refused)]
    assert len(refused) > 30


def test_the_page_says_how_many_attempts_there_are() -> None:
    all_tables = (WIDENING, CROSSING, ON_STORED, OF_PEOPLE, ATTEMPTS, TO_BE_ANOTHER)
    count = sum(map(len, all_tables))
    assert f"{count} attempts" in DOCUMENT
