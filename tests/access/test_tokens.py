"""Whose a token is: of the right issuer, for this proxy, now, and of a person with a name."""

from __future__ import annotations

import time
from typing import Any

import pytest

from proxy.access.clients import Person
from proxy.access.issuer_keys import FRESH_S, IssuerKeys
from proxy.access.signatures import ASYMMETRIC
from proxy.access.tokens import KEPT_S, TokenRules, Tokens
from proxy.errors import BadReply, IdentityUnavailable, Unauthorized
from tests.support.issuer import AUDIENCE, Issuer, make_key

OWN = frozenset({"ES256"})


class World:
    """An issuer, and what reads its tokens. Its clock goes on as the test says."""

    def __init__(self, algorithm: str = "ES256", **rules: Any) -> None:
        self.issuer = Issuer(algorithm)
        self.asked = 0
        self.began = time.time()
        self.passed = 0.0
        given = {"audiences": frozenset({AUDIENCE}), "algorithms": frozenset(ASYMMETRIC), **rules}
        self.keys = IssuerKeys(self.fetch, lambda: self.passed)
        self.tokens = Tokens(
            TokenRules(self.issuer.url, **given), self.keys, lambda: self.began + self.passed
        )

    async def fetch(self) -> object:
        self.asked += 1
        if self.issuer.is_down:
            raise BadReply("issuer.test", "It is down.")
        return self.issuer.jwks()

    async def person(self, *arguments: Any, **more: Any) -> Person:
        return await self.tokens.person(self.issuer.token(*arguments, **more))

    async def refusal(self, *arguments: Any, **more: Any) -> Unauthorized:
        with pytest.raises(Unauthorized) as caught:
            await self.person(*arguments, **more)
        return caught.value


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
async def test_a_token_names_a_person_and_groups(algorithm: str) -> None:
    found = await World(algorithm).person("Ann@Example.com", ["hr", "it"])
    assert found == Person("ann@example.com", frozenset({"hr", "it"}))


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": [AUDIENCE, "other"]},
        {"email_verified": True},
        {"email_verified": "true"},
        {"iat": None},
        {"extra": {"deep": [1]}},
    ],
    ids=" ".join,
)
async def test_a_token_may_say_more(claims: dict[str, Any]) -> None:
    assert (await World().person(**claims)).name == "ann@example.com"


@pytest.mark.parametrize(("claim", "differs_s"), [("nbf", 30), ("exp", -30)])
async def test_clocks_may_differ_by_a_minute(claim: str, differs_s: int) -> None:
    claims = {claim: int(time.time()) + differs_s}
    assert (await World().person(**claims)).name == "ann@example.com"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "http://issuer.test/"}, "from another issuer"),
        ({"iss": "HTTP://issuer.test"}, "from another issuer"),
        ({"iss": ["http://issuer.test"]}, "from another issuer"),
        ({"iss": None}, "from another issuer"),
        ({"aud": "other"}, "for another audience"),
        ({"aud": f"{AUDIENCE} "}, "for another audience"),
        ({"aud": [[AUDIENCE]]}, "for another audience"),
        ({"aud": {AUDIENCE: 1}}, "for another audience"),
        ({"aud": None}, "for another audience"),
        ({"exp": None}, "no time at which it expires"),
        ({"exp": "9999999999"}, "claim exp is no time"),
        ({"exp": 1_000_000_000}, "has expired"),
        ({"nbf": 99_999_999_999}, "does not hold yet"),
        ({"iat": 99_999_999_999}, "does not hold yet"),
        ({"email": None}, "names no person"),
        ({"email": ""}, "names no person"),
        ({"email": ["ann@example.com"]}, "names no person"),
        ({"email": " ann@example.com"}, "claim email must be 1 to 256 printable"),
        ({"email": "ann\n@example.com"}, "claim email must be 1 to 256 printable"),
        ({"email": "a" * 257}, "claim email must be 1 to 256 printable"),
        ({"email_verified": False}, "is not verified"),
        ({"email_verified": "false"}, "is not verified"),
        ({"email_verified": 0}, "is not verified"),
        ({"email_verified": ""}, "is not verified"),
    ],
    ids=str,
)
async def test_a_token_that_is_not_as_it_must_be_is_refused(
    claims: dict[str, Any], reason: str
) -> None:
    error = await World().refusal(**claims)
    assert reason in error.message
    assert "ann" not in error.message


@pytest.mark.parametrize("claims", [{"exp": 1_000_000_000}, {"exp": None}, {"nbf": 99_999_999_999}])
async def test_an_authentic_token_out_of_its_time_is_a_try_of_its_person(
    claims: dict[str, Any],
) -> None:
    assert (await World().refusal("Ann@example.com", **claims)).tried_by == "ann@example.com"
    forged = await World().refusal(key=make_key("ES256", "key-1"), **claims)
    assert forged.tried_by == ""


async def test_other_claims_can_name_the_person_and_the_groups() -> None:
    world = World(user_claim="preferred_username", groups_claim="realm_access.roles")
    found = await world.person(
        preferred_username="ann", realm_access={"roles": ["hr"]}, email_verified=False
    )
    assert found == Person("ann", frozenset({"hr"}))
    assert (await World().person(groups="hr")).groups == {"hr"}
    assert (await World().person(groups=None)).groups == frozenset()


async def test_an_algorithm_can_be_closed() -> None:
    error = await World("RS256", algorithms=OWN).refusal()
    assert "its algorithm is not allowed" in error.message


async def test_a_token_without_the_name_of_its_key_is_tried_with_each_that_fits() -> None:
    world = World()
    world.issuer.rotate(keep=True)
    first, second = world.issuer.published
    for key in (first, second):
        assert (await world.person(key=key, header={"kid": None})).name == "ann@example.com"
    error = await world.refusal(key=make_key("ES256", "x"), header={"kid": None})
    assert "its signature is not right" in error.message


async def test_a_key_that_the_issuer_does_not_have_is_refused() -> None:
    error = await World().refusal(key=make_key("ES256", "other"))
    assert "the issuer has no such key" in error.message


async def test_nobody_can_tell_while_the_issuer_is_down() -> None:
    world = World()
    world.issuer.is_down = True
    with pytest.raises(IdentityUnavailable):
        await world.person()


# What is remembered


async def test_a_token_is_checked_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    token = world.issuer.token()
    first = await world.tokens.person(token)
    checks = []
    whole = world.tokens._check

    async def check(given: str) -> Any:
        checks.append(given)
        return await whole(given)

    monkeypatch.setattr(world.tokens, "_check", check)
    assert await world.tokens.person(token) is first
    world.passed = KEPT_S
    assert await world.tokens.person(token) == first
    assert len(checks) == 1


async def test_what_is_remembered_ends_with_the_token() -> None:
    world = World()
    token = world.issuer.token(exp=int(world.began) - 40)
    await world.tokens.person(token)
    world.passed = 21
    with pytest.raises(Unauthorized, match="has expired"):
        await world.tokens.person(token)


async def test_what_is_remembered_ends_with_the_key() -> None:
    world = World()
    token = world.issuer.token(exp=int(world.began) + 3600)
    await world.tokens.person(token)
    world.issuer.rotate()
    world.passed = FRESH_S - 1
    await world.tokens.person(token)
    world.passed = FRESH_S
    with pytest.raises(Unauthorized, match="the issuer has no such key"):
        await world.tokens.person(token)


async def test_what_is_remembered_ends_as_soon_as_another_token_has_the_keys_fetched() -> None:
    world = World()
    token = world.issuer.token()
    await world.tokens.person(token)
    world.issuer.rotate()
    await world.person("bob@example.com")
    with pytest.raises(Unauthorized, match="the issuer has no such key"):
        await world.tokens.person(token)


async def test_no_more_than_a_thousand_tokens_are_remembered() -> None:
    world = World()
    for number in range(1_010):
        await world.person(f"u{number}@example.com")
    assert len(world.tokens._known) == 1_000


async def test_a_wrong_token_is_not_remembered() -> None:
    world = World()
    await world.refusal(aud="other")
    assert not world.tokens._known
