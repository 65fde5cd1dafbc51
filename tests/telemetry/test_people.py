"""How records name people."""

from __future__ import annotations

import re
from dataclasses import replace

from proxy.access.clients import Client, Person
from proxy.telemetry.people import PeopleInRecords

HASHED = PeopleInRecords(b"a secret")
GIVEN = replace(HASHED, as_given=True)
KEY = Client("front", "k1")
ANN, BOB = (replace(KEY, person=Person(f"{name}@example.com")) for name in ("ann", "bob"))


def test_a_hash_says_nothing_and_tells_people_apart() -> None:
    ann, bob = HASHED.name_of(ANN), HASHED.name_of(BOB)
    assert re.fullmatch("[0-9a-f]{16}", ann)
    assert ann != bob


def test_a_person_has_one_hash_in_all_processes_behind_all_keys_and_in_all_groups() -> None:
    other = Client("other", person=Person("ann@example.com", frozenset({"hr"})))
    assert PeopleInRecords(b"a secret").name_of(other) == HASHED.name_of(ANN)


def test_without_the_secret_nobody_can_test_a_guess() -> None:
    assert replace(HASHED, secret=b"another").name_of(ANN) != HASHED.name_of(ANN)
    assert PeopleInRecords().name_of(ANN) != PeopleInRecords().name_of(ANN)
    assert "a secret" not in repr(HASHED)


def test_names_can_stand_as_they_were_given() -> None:
    assert GIVEN.name_of(ANN) == "ann@example.com"


def test_a_key_that_stands_for_nobody_else_has_no_name() -> None:
    assert HASHED.name_of(KEY) == GIVEN.name_of(KEY) == ""
