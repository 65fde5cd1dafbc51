"""What a signed user header must be."""

from __future__ import annotations

from functools import partial

import pytest
from joserfc.jwk import OctKey

from proxy.access.clients import Person
from proxy.access.signed_user import person_in
from proxy.errors import Unauthorized
from tests.support import issuer

SECRET = "a secret of more than thirty-two bytes"
KEY = OctKey.import_key(SECRET)
NOW = 1_800_000_000
user_header = partial(issuer.user_header, now=NOW)


def read(token: str, groups: tuple[str, ...] = (), now: float = NOW) -> Person:
    return person_in(token, SECRET, groups, "X-Jwt", now)


def refused(token: str) -> Unauthorized:
    with pytest.raises(Unauthorized) as caught:
        read(token)
    assert caught.value.message.startswith("The proxy does not accept the header 'X-Jwt': ")
    assert token not in caught.value.message
    return caught.value


def test_the_address_names_the_person() -> None:
    assert read(user_header(SECRET, "Ann@X.com"), ("hr",)) == Person("ann@x.com", frozenset({"hr"}))


@pytest.mark.parametrize("email", [None, ""])
def test_without_an_address_the_subject_does(email: str | None) -> None:
    assert read(user_header(SECRET, email, sub="u-1")) == Person("u-1")


def test_an_address_that_is_no_name_does_not_fall_back_to_the_subject() -> None:
    assert "the name in it must be" in refused(user_header(SECRET, " ann@x.com", sub="u")).message


PROVING_NOTHING = (
    (user_header(SECRET, exp=None), "no time at which it expires"),
    (user_header(SECRET, exp="9999999999"), "claim exp is no time"),
    (user_header(SECRET, lasts_s=-61), "it has expired"),
    (user_header(SECRET, iat=99_999_999_999), "does not hold yet"),
    (user_header(SECRET, None, sub=None), "names no person"),
    (user_header(SECRET, None, sub=5), "names no person"),
    (user_header(f"{SECRET}x"), "its signature is not right"),
    (user_header(SECRET) + "x", "its signature is not right"),
    (user_header(SECRET).rpartition(".")[0] + ".", "its signature is not right"),
    (f"{user_header(SECRET)}, {user_header(SECRET)}", "must be one token"),
    (f"Bearer {user_header(SECRET)}", "must be one token"),
    ("ann@x.com", "must be one token"),
    (issuer.sign({"sub": "a", "exp": 9e9}, KEY, {"alg": "HS512"}), "signed with HS256"),
    (issuer.Issuer("RS256").token(), "signed with HS256"),
)


@pytest.mark.parametrize(("token", "reason"), PROVING_NOTHING, ids=range(len(PROVING_NOTHING)))
def test_a_header_that_proves_nothing_is_refused(token: str, reason: str) -> None:
    assert reason in refused(token).message


def test_an_authentic_header_that_is_too_old_is_a_try_of_its_person() -> None:
    assert refused(user_header(SECRET, "ann@x.com", lasts_s=-61)).tried_by == "ann@x.com"
    assert refused(user_header("another secret of enough bytes...", lasts_s=-61)).tried_by == ""


@pytest.mark.parametrize(("seconds", "holds"), [(359, True), (361, False)])
def test_clocks_may_differ_by_a_minute(seconds: int, holds: bool) -> None:  # noqa: FBT001
    token = user_header(SECRET)
    if holds:
        assert read(token, now=NOW + seconds).name == "ann@example.com"
        return
    with pytest.raises(Unauthorized):
        read(token, now=NOW + seconds)
