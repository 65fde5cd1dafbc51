from __future__ import annotations

import pytest

from proxy.access.clients import Person
from proxy.access.people import LONGEST_NAME, person_of


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("Ann@Example.COM", "ann@example.com"),
        ("ann@example.com", "ann@example.com"),
        ("Ann", "Ann"),
        ("A@B@C", "A@B@C"),
        ("\u00c4NN@X.de", "\u00c4nn@x.de"),
        ("\u212aim@x.de", "\u212aim@x.de"),
        ("two words", "two words"),
        ("n" * LONGEST_NAME, "n" * LONGEST_NAME),
    ],
)
def test_of_an_address_the_capitals_do_not_count(given: str, name: str) -> None:
    assert person_of(given, ("HR", "hr")) == Person(name, frozenset({"HR", "hr"}))


@pytest.mark.parametrize(
    "name", ["", " ann", "ann ", "\tann", "a\nb", "a\x00b", "a\u200bb", "n" * (LONGEST_NAME + 1)]
)
def test_a_name_that_is_hard_to_tell_from_others_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="must be 1 to 256 printable characters") as caught:
        person_of(name)
    assert not name or name not in str(caught.value)
