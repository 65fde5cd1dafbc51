from __future__ import annotations

import dataclasses

import pytest

from proxy.access.clients import ANYBODY, Client


def test_a_client_is_its_name_and_does_not_change() -> None:
    assert Client("ann") == Client("ann") != Client("bob")
    with pytest.raises(dataclasses.FrozenInstanceError):
        Client("ann").name = "bob"  # type: ignore[misc]  # which mypy sees, too


def test_anybody_has_no_name() -> None:
    assert Client("") == ANYBODY


def test_a_new_key_of_an_old_name_is_another_client() -> None:
    assert Client("ann", "1").identity != Client("ann", "2").identity
