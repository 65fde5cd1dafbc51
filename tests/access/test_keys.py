from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import pytest

from proxy.access.clients import ANYBODY, Client
from proxy.access.grants import EVERYTHING
from proxy.access.key_file import HeldKey, KeyFile
from proxy.access.keys import KeyRing
from proxy.errors import Unauthorized
from tests.access.key_samples import sha256, table, write
from tests.support.steps import steps_of

SECRET = b"secret of the deployment"
KEYS = KeyRing(["first-key", "second-key"], secret=SECRET)


def test_without_keys_anybody_may_ask_and_has_no_name() -> None:
    keys = KeyRing([], secret=SECRET)
    assert keys.is_open
    assert keys.identify({}) is ANYBODY
    assert keys.identify({"authorization": "Bearer anything"}) is ANYBODY


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
    assert KEYS.identify({"authorization": authorization}) is not ANYBODY


def name_of(key: str, keys: KeyRing = KEYS) -> str:
    return keys.identify({"authorization": f"Bearer {key}"}).name


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
    assert caught.value.message == (
        "The request has no API key. Send it in the header 'Authorization: Bearer KEY'."
    )


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
    with pytest.raises(
        Unauthorized, match=r"^The proxy does not know this API key\. Ask its operator for one\.$"
    ) as caught:
        KEYS.identify({"authorization": f"Bearer {key}"})
    assert caught.value.code == "invalid_api_key"
    assert key not in caught.value.message


def test_a_key_ring_keeps_only_hashes() -> None:
    clients: dict[bytes, HeldKey] = KEYS._clients
    assert set(clients) == {hashlib.sha256(key).digest() for key in (b"first-key", b"second-key")}
    assert "first-key" not in repr(vars(KEYS))


# A key file


def ring(path: Path, *tables: str, keys: Iterable[str] = (), now: float = 0) -> KeyRing:
    return KeyRing(keys, secret=SECRET, file=KeyFile(write(path, *tables)), now=lambda: now)


def identified(keys: KeyRing, key: str) -> Client:
    return keys.identify({"authorization": f"Bearer {key}"})


def test_a_key_of_the_file_opens_what_its_record_says(tmp_path: Path) -> None:
    keys = ring(tmp_path / "k", table("acme", "rp-a", "workspaces = [42]"))
    client = identified(keys, "rp-a")
    assert (client.name, client.id) == ("acme", "k_acme")
    assert client.grant.workspaces == frozenset({42})


def test_keys_of_the_settings_and_of_the_file_both_count(tmp_path: Path) -> None:
    keys = ring(tmp_path / "k", table("acme", "rp-a"), keys=["first-key"])
    assert identified(keys, "rp-a").name == "acme"
    assert identified(keys, "first-key").grant == EVERYTHING


def test_a_key_that_stands_in_both_opens_no_more_than_its_record(tmp_path: Path) -> None:
    keys = ring(tmp_path / "k", table("acme", "rp-a"), keys=["rp-a"])
    assert identified(keys, "rp-a").name == "acme"


@pytest.mark.parametrize("text", [None, "", "[keys]", "[keys"])
def test_with_a_key_file_the_proxy_is_never_open_whatever_the_file_holds(
    text: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "keys.toml"
    if text is not None:
        path.write_text(text)
    keys = KeyRing([], secret=SECRET, file=KeyFile(path))
    assert not keys.is_open
    for headers in ({}, {"authorization": "Bearer rp-a"}):
        with pytest.raises(Unauthorized):
            keys.identify(headers)


def test_when_the_last_key_is_revoked_nobody_is_let_in(tmp_path: Path) -> None:
    path = write(tmp_path / "k", table("acme", "rp-a"))
    file = KeyFile(path)
    keys = KeyRing([], secret=SECRET, file=file)
    assert identified(keys, "rp-a").name == "acme"
    path.write_text("")
    file.look()
    assert not keys.is_open
    with pytest.raises(Unauthorized, match="does not know this API key"):
        identified(keys, "rp-a")


@pytest.mark.parametrize("now", [-1, 0, 1])
def test_an_expired_key_is_refused_from_that_moment_on_and_told_so(
    now: float, tmp_path: Path
) -> None:
    moment = datetime(2027, 1, 1, tzinfo=UTC).timestamp()
    keys = ring(tmp_path / "k", table("acme", "rp-a", "expires = 2027-01-01"), now=moment + now)
    if now < 0:
        assert identified(keys, "rp-a").name == "acme"
        return
    with pytest.raises(Unauthorized, match="This API key has expired") as caught:
        identified(keys, "rp-a")
    assert (caught.value.status, caught.value.code) == (401, "invalid_api_key")


def test_a_rotated_key_has_both_secrets_until_the_old_one_ends(tmp_path: Path) -> None:
    old = sha256("rp-old")
    more = f'previous = [{{ sha256 = "{old}", until = 2026-11-27T00:00:00Z }}]'
    end = datetime(2026, 11, 27, tzinfo=UTC).timestamp()
    keys = ring(tmp_path / "k", table("acme", "rp-new", more), now=end - 1)
    assert identified(keys, "rp-old") == identified(keys, "rp-new")
    keys = ring(tmp_path / "k", table("acme", "rp-new", more), now=end)
    assert identified(keys, "rp-new").name == "acme"
    with pytest.raises(Unauthorized, match="has expired"):
        identified(keys, "rp-old")


def calls_of(work: Callable[[], object]) -> int:
    """How many functions `work` calls, in Python and in C."""
    count = 0

    def notice(_frame: FrameType, what: str, _argument: object) -> None:
        nonlocal count
        count += what in ("call", "c_call")

    sys.setprofile(notice)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def cost(keys: KeyRing, key: str) -> int:
    def work() -> None:
        with suppress(Unauthorized):
            identified(keys, key)

    return calls_of(work)


def steps(keys: KeyRing, key: str) -> int:
    def work() -> None:
        with suppress(Unauthorized):
            identified(keys, key)

    return steps_of(work)


def test_ten_thousand_keys_cost_a_request_no_more_than_ten(tmp_path: Path) -> None:
    few, many = (
        ring(tmp_path / f"{size}", *(table(f"k{n}", f"rp-{n}") for n in range(size)))
        for size in (10, 10_000)
    )
    for key in ("rp-0", "rp-9", "rp-wrong", "rp-" + "x" * 43):
        assert cost(few, key) == cost(many, key)
        assert abs(steps(few, key) - steps(many, key)) < 10  # memory is counted coarsely
    assert 0 < cost(many, "rp-9999") == cost(few, "rp-9") < 25


def test_no_hash_and_no_key_of_the_file_is_in_what_a_ring_shows_of_itself(tmp_path: Path) -> None:
    keys = ring(tmp_path / "k", table("acme", "rp-a"))
    assert "rp-a" not in repr((keys, vars(keys), identified(keys, "rp-a")))
