"""Which of the three ways tells who asks, and what the rules hear of it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

import pytest

from proxy.access.clients import ANYBODY, Client, PeopleHeaders, Person
from proxy.access.grants import Grant
from proxy.access.identity import WITH_TOKEN, Identities, ReadsTokens, is_read_as_token
from proxy.access.keys import KeyRing
from proxy.access.rules import Rules as RealRules
from proxy.access.user_headers import UserHeaders
from proxy.errors import NoAccess, NoPerson, Unauthorized

TOKEN = "e30.e30.AAAA"
ANN = Person("ann@x.com", frozenset({"hr"}))
OPENED = Grant(frozenset({42}))


class Keys(KeyRing):
    def __init__(self, keys: Mapping[str, Client]) -> None:
        super().__init__(keys, secret=b"s")
        self._given = keys

    def identify(self, headers: Mapping[str, str]) -> Client:
        key = headers.get("authorization", "").removeprefix("Bearer ")
        if key not in self._given:
            raise Unauthorized("No.")
        return self._given[key]


class Tokens:
    """Every token is Ann's, but for one."""

    async def person(self, token: str) -> Person:
        if token != TOKEN:
            raise Unauthorized("No.")
        return ANN


class Rules:
    """They open one workspace, and say whom they were asked for."""

    def __init__(self) -> None:
        self.asked: list[Person] = []

    def admit(self, client: Client, person: Person, /) -> Client:
        self.asked.append(person)
        return replace(client, person=person, of_person=OPENED)


PLAIN = Client("plain", "1")
FRONT = Client("front", "2", people=PeopleHeaders("X-User", groups="X-Groups"))


class World:
    def __init__(self, *, keys: bool = True, tokens: ReadsTokens | None = None) -> None:
        self.rules = Rules()
        ring = Keys({"plain": PLAIN, "front": FRONT}) if keys else KeyRing([], secret=b"s")
        self.identities = Identities(ring, UserHeaders(lambda _: None), self.rules, tokens)

    async def client(self, bearer: str | None, *raw: tuple[bytes, bytes]) -> Client:
        headers = {} if bearer is None else {"authorization": bearer}
        holder = await self.identities.holder(headers)
        return self.identities.admit(self.identities.asking(holder, raw))

    async def unadmitted(self, bearer: str, *raw: tuple[bytes, bytes]) -> Client:
        holder = await self.identities.holder({"authorization": bearer})
        return self.identities.asking(holder, raw)


async def test_a_key_that_stands_for_nobody_else_is_itself_whatever_headers_say() -> None:
    world = World()
    assert await world.client("Bearer plain", (b"x-user", b"ann")) is PLAIN
    assert world.rules.asked == []


async def test_a_key_that_stands_for_people_is_the_person_whom_its_header_names() -> None:
    world = World()
    client = await world.client("Bearer front", (b"x-user", b"Ann@x.com"), (b"x-groups", b"hr"))
    assert client == replace(FRONT, person=ANN, of_person=OPENED)
    assert world.rules.asked == [ANN]


async def test_a_key_that_stands_for_people_and_gets_none_opens_nothing() -> None:
    world = World()
    with pytest.raises(NoPerson, match="X-User"):
        await world.client("Bearer front")
    assert world.rules.asked == []


@pytest.mark.parametrize("keys", [True, False])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
async def test_a_token_is_the_person_whom_it_names(scheme: str, *, keys: bool) -> None:
    world = World(keys=keys, tokens=Tokens())
    client = await world.client(f"{scheme} {TOKEN}", (b"x-user", b"bob"))
    assert client == replace(WITH_TOKEN, person=ANN, of_person=OPENED)


async def test_keys_go_on_beside_tokens() -> None:
    world = World(tokens=Tokens())
    assert await world.client("Bearer plain") is PLAIN
    with pytest.raises(NoPerson):
        await world.client("Bearer front")


@pytest.mark.parametrize("keys", [True, False])
@pytest.mark.parametrize(
    "bearer",
    [
        *(None, "", "Bearer", "Bearer x", "Bearer e30.e30.BBBB", f"Bearer {TOKEN}, Bearer {TOKEN}"),
        *(f"Basic {TOKEN}", f"Bearer {TOKEN}.e30.e30", f"Bearer x {TOKEN}"),
    ],
)
async def test_what_is_neither_a_token_nor_a_key_opens_nothing(
    bearer: str | None, *, keys: bool
) -> None:
    with pytest.raises(Unauthorized):
        await World(keys=keys, tokens=Tokens()).client(bearer)


@pytest.mark.parametrize(
    ("key", "is_token"),
    [("a.b.c", True), ("a-b.c_d.", True), ("a.b", False), ("a.b.c.d", False), ("a.b.c!", False)],
)
async def test_a_key_of_a_tokens_form_is_read_as_one(key: str, *, is_token: bool) -> None:
    read = []

    class Notes:
        async def person(self, token: str) -> Person:
            read.append(token)
            return ANN

    with suppress(Unauthorized):
        await World(tokens=Notes()).client(f"Bearer {key}")
    assert is_read_as_token(key) is bool(read) is is_token


async def test_without_an_issuer_a_token_is_a_key_like_another() -> None:
    with pytest.raises(Unauthorized):
        await World().client(f"Bearer {TOKEN}")


async def test_without_keys_and_tokens_anybody_may_ask() -> None:
    identities = Identities(KeyRing([], secret=b"s"), UserHeaders(lambda _: None), RealRules(()))
    assert identities.is_open
    assert identities.asking(await identities.holder({}), []) is ANYBODY


def test_with_keys_or_tokens_not_anybody_may_ask() -> None:
    assert not World().identities.is_open
    assert not World(keys=False, tokens=Tokens()).identities.is_open


def test_without_rules_nobody_gets_in() -> None:
    nobody = Identities(KeyRing([], secret=b"s"), UserHeaders(lambda _: None), RealRules(()))
    with pytest.raises(NoAccess, match=r"'ann@x\.com'"):
        nobody.admit(replace(FRONT, person=ANN))


@pytest.mark.parametrize("bearer", ["Bearer front", f"Bearer {TOKEN}"])
async def test_a_person_whom_no_rule_has_admitted_yet_opens_nothing(bearer: str) -> None:
    client = await World(tokens=Tokens()).unadmitted(bearer, (b"x-user", b"ann"))
    allowed = client.allowed
    assert client.person is not None
    assert not any((allowed.workspaces, allowed.profiles, allowed.models, allowed.retrieval))
    assert None not in (allowed.workspaces, allowed.profiles, allowed.models, allowed.retrieval)


def test_who_has_a_token_is_told_from_all_who_have_keys() -> None:
    keys = KeyRing(["oidc"], secret=b"s")
    named = keys.identify({"authorization": "Bearer oidc"})
    assert named.identity != WITH_TOKEN.identity


@pytest.mark.parametrize("bearer", [None, "", "Bearer plain", "Basic e30.e30.AAAA"])
async def test_where_only_tokens_are_taken_a_request_without_one_is_told_how_to_send_it(
    bearer: str | None,
) -> None:
    with pytest.raises(Unauthorized) as caught:
        await World(keys=False, tokens=Tokens()).client(bearer)
    assert caught.value.message == (
        "The request has no token. Send it in the header 'Authorization: Bearer TOKEN'."
    )
