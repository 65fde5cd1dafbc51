from __future__ import annotations

import hashlib
import re

import pytest

from proxy.access.keys import KeyRing
from proxy.errors import Unauthorized

SECRET = b"secret of the deployment"
KEYS = KeyRing(["first-key", "second-key"], secret=SECRET)


def test_without_keys_anybody_may_ask_and_has_no_name() -> None:
    keys = KeyRing([], secret=SECRET)
    assert keys.is_open
    assert keys.identify({}) == ""
    assert keys.identify({"authorization": "Bearer anything"}) == ""


def test_with_keys_not_anybody_may_ask() -> None:
    assert not KEYS.is_open


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer first-key",
        "bearer first-key",
        "BEARER first-key",
        "Bearer   first-key",
        "Bearer first-key ",
    ],
)
def test_a_known_key_lets_in_however_the_header_is_written(authorization: str) -> None:
    assert KEYS.identify({"authorization": authorization})


def name_of(key: str, keys: KeyRing = KEYS) -> str:
    return keys.identify({"authorization": f"Bearer {key}"})


def test_each_key_has_a_name_of_its_own() -> None:
    assert len({name_of("first-key"), name_of("second-key")}) == 2
    assert re.fullmatch("[0-9a-f]{12}", name_of("first-key"))


def test_a_name_is_the_same_in_every_process_with_the_same_secret() -> None:
    assert name_of("first-key", KeyRing(["first-key"], secret=SECRET)) == name_of("first-key")


def test_whoever_knows_a_name_cannot_try_keys_against_it() -> None:
    assert name_of("first-key", KeyRing(["first-key"], secret=b"other")) != name_of("first-key")
    for digest in (hashlib.sha256, hashlib.sha1, hashlib.md5):
        assert not digest(b"first-key").hexdigest().startswith(name_of("first-key"))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"authorization": "Bearer    "},
        {"authorization": "first-key"},
        {"authorization": "Basic first-key"},
        {"authorization": "Bearerfirst-key"},
        {"x-api-key": "first-key"},
    ],
)
def test_a_request_without_a_key_is_told_how_to_send_one(headers: dict[str, str]) -> None:
    with pytest.raises(Unauthorized, match="The request has no API key") as caught:
        KEYS.identify(headers)
    assert caught.value.status == 401
    assert caught.value.code == "invalid_api_key"


@pytest.mark.parametrize(
    "key",
    [
        "third-key",
        "first-ke",
        "first-keyy",
        "FIRST-KEY",
        "first-key second-key",
        "first-key,second-key",
        hashlib.sha256(b"first-key").hexdigest(),
        "clé",
    ],
)
def test_an_unknown_key_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(Unauthorized, match="The proxy does not know this API key") as caught:
        KEYS.identify({"authorization": f"Bearer {key}"})
    assert caught.value.code == "invalid_api_key"
    assert key not in caught.value.message


def test_a_key_ring_keeps_only_hashes() -> None:
    names: dict[bytes, str] = KEYS._names
    assert set(names) == {hashlib.sha256(key).digest() for key in (b"first-key", b"second-key")}
    assert "first-key" not in repr(vars(KEYS))
