from __future__ import annotations

import pytest

from proxy.access.clients import Person
from proxy.access.people import LONGEST_NAME, person_of


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("Ann@Example.COM", "ann@example.com"),
        ("ÄNN@X.com", "Änn@x.com"),
        ("Ann", "Ann"),
        ("DOMAIN\\Ann", "DOMAIN\\Ann"),
        ("Ann@B@C", "Ann@B@C"),
        ("Ann Example", "Ann Example"),
        ("a" * LONGEST_NAME, "a" * LONGEST_NAME),
        ("\u212aurt@x.com", "\u212aurt@x.com"),
    ],
)
def test_only_the_capitals_of_an_address_do_not_count(given: str, name: str) -> None:
    assert person_of(given) == Person(name)


def test_groups_stay_as_they_are() -> None:
    assert person_of("ann", ["HR", "hr", " hr"]).groups == {"HR", "hr", " hr"}


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        " ann",
        "ann ",
        "ann\u00a0",
        "ann\n",
        "a\x00b",
        "a\u200bb",
        "a\u202eb",
        "a\ud800b",
        "a" * (LONGEST_NAME + 1),
    ],
)
def test_a_name_that_cannot_be_read_or_compared_is_none(name: str) -> None:
    with pytest.raises(ValueError, match="1 to 256 printable characters, without white space"):
        person_of(name)
