from __future__ import annotations

import math
from typing import Any

import pytest

from proxy.access.claims import end_of, text_at, texts_at
from proxy.access.signatures import BadToken

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW + 1},
        {"exp": NOW - 59},
        {"exp": NOW - 59.5},
        {"exp": NOW + 1, "nbf": NOW + 60, "iat": NOW + 60},
        {"exp": 10**12},
    ],
)
def test_a_token_holds_until_a_minute_after_its_end(claims: dict[str, Any]) -> None:
    assert end_of(claims, NOW) == claims["exp"] + 60


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({}, "no time at which it expires"),
        ({"exp": NOW - 60}, "has expired"),
        ({"exp": -1}, "has expired"),
        ({"exp": 0}, "has expired"),
        ({"exp": NOW + 1, "nbf": NOW + 61}, r"does not hold yet \(nbf\)"),
        ({"exp": NOW + 1, "iat": NOW + 61}, r"does not hold yet \(iat\)"),
        ({"exp": str(NOW + 100)}, "claim exp is no time"),
        ({"exp": True}, "claim exp is no time"),
        ({"exp": None}, "claim exp is no time"),
        ({"exp": [NOW + 100]}, "claim exp is no time"),
        ({"exp": math.nan}, "claim exp is no time"),
        ({"exp": math.inf}, "claim exp is no time"),
        ({"exp": NOW + 1, "nbf": "0"}, "claim nbf is no time"),
        ({"exp": NOW + 1, "iat": None}, "claim iat is no time"),
    ],
)
def test_a_token_that_does_not_hold_now_is_refused(claims: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadToken, match=reason):
        end_of(claims, NOW)


CLAIMS = {
    "email": "ann@example.com",
    "groups": ["hr", "", 5, None, ["x"], "it"],
    "one": "hr",
    "realm_access": {"roles": ["admin"], "deep": {"er": ["x"]}},
    "realm_access.deep": "literal",
    "number": 5,
    "empty": "",
}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("email", "ann@example.com"),
        ("realm_access.deep", "literal"),
        *((name, None) for name in ("number", "empty", "groups", "none", "email.x", ".", "")),
    ],
)
def test_a_claim_is_text_or_nothing(name: str, text: str | None) -> None:
    assert text_at(CLAIMS, name) == text


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("groups", ("hr", "it")),
        ("one", ("hr",)),
        ("realm_access.roles", ("admin",)),
        ("realm_access.deep", ("literal",)),
        ("realm_access.deep.er", ("x",)),
        *((name, ()) for name in ("number", "empty", "none", "realm_access", "one.x")),
    ],
)
def test_a_list_is_found_by_its_name_or_by_its_path(name: str, texts: tuple[str, ...]) -> None:
    assert texts_at(CLAIMS, name) == texts
