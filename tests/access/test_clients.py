from __future__ import annotations

import dataclasses

import pytest

from proxy.access.clients import ANYBODY, Client, Person
from proxy.access.grants import EVERYTHING, Grant, Limits


def test_a_client_is_its_name_and_does_not_change() -> None:
    assert Client("ann") == Client("ann") != Client("bob")
    with pytest.raises(dataclasses.FrozenInstanceError):
        Client("ann").name = "bob"  # type: ignore[misc]  # which mypy sees, too


def test_anybody_has_no_name() -> None:
    assert Client("") == ANYBODY


def test_a_new_key_of_an_old_name_is_another_client() -> None:
    assert Client("ann", "1").identity != Client("ann", "2").identity


def test_two_people_behind_one_key_are_two_clients_and_neither_is_the_key() -> None:
    key = Client("front", "1")
    ann = Client("front", "1", person=Person("ann"))
    bob = Client("front", "1", person=Person("bob"))
    assert len({key.identity, ann.identity, bob.identity}) == 3


def test_a_person_is_the_same_in_other_groups_and_with_other_rules() -> None:
    before = Client("front", "1", person=Person("ann", frozenset({"hr"})))
    after = Client("front", "1", person=Person("ann"), of_person=Grant(frozenset({1})))
    assert before.identity == after.identity


def test_a_person_may_do_what_the_key_and_the_rules_both_open() -> None:
    key = Grant(profiles=frozenset({"hr", "legal"}), may_read_metrics=True)
    rules = Grant(profiles=frozenset({"legal", "board"}), limits=Limits(concurrent=1))
    client = Client("front", grant=key, person=Person("ann"), of_person=rules)
    assert client.allowed == Grant(profiles=frozenset({"legal"}), may_read_metrics=True)


def test_rules_for_people_do_not_touch_a_key_that_stands_for_none() -> None:
    assert Client("front", of_person=Grant(frozenset())).allowed == EVERYTHING
