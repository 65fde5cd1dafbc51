from __future__ import annotations

import hashlib
import re
import secrets

import pytest

from proxy.access.key_making import hash_of, make_id, make_key


def test_a_key_is_letters_and_digits_after_its_prefix() -> None:
    assert all(re.fullmatch("rp-[0-9A-Za-z]{43}", make_key()) for _ in range(100))


def test_a_key_holds_all_of_its_256_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def most(bits: int) -> int:
        asked.append(bits)
        return 2**256 - 1

    monkeypatch.setattr(secrets, "randbits", most)
    high = make_key()
    monkeypatch.setattr(secrets, "randbits", lambda _: 2**256 - 2)
    assert asked == [256]
    assert make_key() != high
    assert 62**42 < 2**256 < 62**43


def test_no_two_are_alike() -> None:
    assert len({make_key() for _ in range(1000)} | {make_id() for _ in range(1000)}) == 2000


def test_the_hash_is_the_one_that_the_ring_looks_up() -> None:
    assert bytes.fromhex(hash_of("rp-a")) == hashlib.sha256(b"rp-a").digest()
