"""Attempts of people behind one key to get more than their rules open, streamed and plain."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from proxy.access.clients import Person
from proxy.access.grants import Grant
from tests.support.asgi import Headers
from tests.support.keyed import World, passage_of, searching
from tests.test_attempts import (
    EMPTY,
    MESSAGES,
    NO_SUCH_MODE,
    NOT_FOUND,
    OTHERS,
    SETTINGS,
    TOOL,
    WORKSPACE,
    Refused,
    Within,
    error_in,
    lighton,
    written,
)
from tests.upstreams.raw_server import PATIENCE_S

NO_ACCESS = Refused(403, "no_access")
WEBUI = {"webui": Grant(frozenset({42, 43, 44}))}
"""The one key of all people."""
ANN = ("webui", Person("ann@example.com", frozenset({"hr"})))
BOB = ("webui", Person("bob@example.com", frozenset({"legal"})))
RULES: tuple[dict[str, Any], ...] = (
    {"group": "hr", "workspace_id": [42]},
    {"group": "legal", "workspace_id": [43], "profiles": ["legal", "wide"]},
)
"""Those of most attempts."""


def rules(*more: Mapping[str, Any]) -> dict[str, Any]:
    return {"access": more}


@dataclass(frozen=True)
class Attempt:
    """One request of Ann's, who is in the group hr alone unless `groups` says otherwise."""

    says: str
    body: Mapping[str, Any]
    outcome: Refused | Within
    settings: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    grant: Grant = WEBUI["webui"]
    groups: tuple[str, ...] = ("hr",)
    say: Any = None


def group(**opens: Any) -> dict[str, Any]:
    return {"group": "hr", **opens}


ATTEMPTS = (
    Attempt("a person asks for nothing special", {}, Within((42,))),
    Attempt("a person asks for a colleague's workspace", lighton(workspace_id=[43]), EMPTY),
    Attempt(
        "a person asks for all workspaces of the key",
        lighton(workspace_id=[42, 43, 44]),
        Within((42,)),
    ),
    Attempt("a header asks for a colleague's workspace", {}, EMPTY, headers={WORKSPACE: "43"}),
    Attempt(
        "a person names a group in the body",
        {"groups": ["legal"], "user": BOB[1].name},
        Within((42,)),
    ),
    Attempt(
        "the model asks its tool for a colleague's workspaces",
        {},
        Within((42,)),
        TOOL,
        say=searching(**OTHERS),
    ),
    Attempt("a person of no group that a rule names", {}, NO_ACCESS, groups=("sales",)),
    Attempt("a group in capitals", {}, NO_ACCESS, groups=("HR",)),
    Attempt("a group that begins like one with a rule", {}, NO_ACCESS, groups=("hr-leads",)),
    Attempt("a group with the name of a user", {}, NO_ACCESS, groups=("bob@example.com",)),
    Attempt("a group with the sign for everybody", {}, NO_ACCESS, groups=("*",)),
    Attempt("there are no rules at all", {}, NO_ACCESS, rules()),
    Attempt(
        "the rules are wider than the key",
        {},
        Within((42,)),
        rules(group(workspace_id="all")),
        grant=Grant(frozenset({42})),
    ),
    Attempt(
        "rules and key have no workspace in common",
        {},
        EMPTY,
        rules(group(workspace_id=[43])),
        grant=Grant(frozenset({42})),
    ),
    Attempt(
        "rules and key are wider than the settings",
        {},
        Within((42, 43, 44)),
        rules(group(workspace_id="all")),
        grant=Grant(),
    ),
    Attempt("a profile is wider than the rules", {"model": "wide"}, Within((42,))),
    Attempt("a profile lies outside of the rules", {"model": "legal"}, EMPTY),
    Attempt("a rule that opens no workspace", {}, EMPTY, rules(group())),
    Attempt(
        "a rule that opens no workspace, and no search",
        lighton(retrieval="off"),
        Within(()),
        rules(group()),
    ),
    Attempt(
        "a profile that the rules do not name",
        {"model": "wide"},
        NOT_FOUND,
        rules(group(workspace_id=[42], profiles=["hr"])),
    ),
    Attempt(
        "a model that the rules do not name",
        {"model": "qwen"},
        NOT_FOUND,
        rules(group(workspace_id=[42], profiles=["hr"])),
    ),
    Attempt(
        "a profile that the rules open and the key does not",
        {"model": "wide"},
        NOT_FOUND,
        rules(group(workspace_id=[42], profiles=["hr", "wide"])),
        grant=Grant(frozenset({42}), frozenset({"hr"}), frozenset()),
    ),
    Attempt(
        "a model that the key opens and the rules do not",
        {"model": "qwen"},
        NOT_FOUND,
        rules(group(workspace_id=[42], models=["llama"])),
        grant=Grant(frozenset({42}), frozenset(), frozenset({"qwen", "llama"})),
    ),
    Attempt(
        "the rules demand a search, and the person turns it off",
        lighton(retrieval="off"),
        NO_SUCH_MODE,
        rules(group(workspace_id=[42], retrieval=["context"])),
    ),
    Attempt(
        "rules and key have no mode in common",
        {},
        NO_SUCH_MODE,
        rules(group(workspace_id=[42], retrieval=["tool"])),
        grant=Grant(frozenset({42}), retrieval=frozenset({"context"})),
    ),
    Attempt(
        "two groups, of which each opens a workspace",
        lighton(workspace_id=[42, 43, 44]),
        Within((42, 43)),
        rules(group(workspace_id=[42]), {"group": "it", "workspace_id": [43]}),
        groups=("hr", "it"),
    ),
)
"""What is tried, and what comes of it."""


def world_of(attempt: Attempt) -> World:
    people = {"ann": ("webui", Person("ann@example.com", frozenset(attempt.groups)))}
    given = {**SETTINGS, "access": RULES, **attempt.settings}
    more = {} if attempt.say is None else {"say": attempt.say}
    return World({"webui": attempt.grant}, given, people=people, **more)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda each: each.says)
async def test_a_person_gets_no_more_than_key_and_rules_both_open(
    attempt: Attempt, *, stream: bool
) -> None:
    world = world_of(attempt)
    answer = await world.chat("ann", written(attempt.body, stream=stream), attempt.headers)
    outcome = attempt.outcome
    if isinstance(outcome, Refused):
        assert (answer.status, error_in(answer)["code"]) == (outcome.status, outcome.code)
        assert world.paths == []
        return
    assert answer.status == 200
    searched = [each.workspaces for each in world.searched]
    assert searched == ([outcome.workspaces] if outcome.workspaces else [])
    for workspace in (42, 43, 44):
        is_told = passage_of(workspace) in str(world.asked)
        assert is_told == (workspace in outcome.workspaces)


# Two people behind one key

TWO = {"ann": ANN, "bob": BOB}


def two_people(**more: Any) -> World:
    return World(WEBUI, {**SETTINGS, "access": RULES, **more}, people=TWO)


async def test_two_people_behind_one_key_each_search_their_own_at_the_same_time() -> None:
    world = World(WEBUI, {**SETTINGS, "access": RULES}, people=TWO, wait_for=2)
    bodies = {"ann": {"model": "wide", "messages": MESSAGES}}
    bodies["bob"] = bodies["ann"]
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as tasks:
        for name, body in bodies.items():
            tasks.create_task(world.chat(name, body))
    assert sorted(each.workspaces or () for each in world.searched) == [(42,), (43,)]


async def test_each_person_is_shown_the_names_of_their_own() -> None:
    world = two_people()
    shown = {
        name: [each["id"] for each in (await world.get(name, "/v1/models")).json()["data"]]
        for name in TWO
    }
    assert shown == {
        "ann": ["hr", "wide", "legal", "plain", "private", "llama", "qwen"],
        "bob": ["wide", "legal"],
    }
    assert (await world.get("bob", "/v1/models/hr")).status == 404
    assert (await world.get("ann", "/v1/models/hr")).status == 200


async def test_the_key_itself_is_as_before_where_it_stands_for_nobody() -> None:
    world = two_people()
    await world.chat("webui", {"messages": MESSAGES})
    assert [each.workspaces for each in world.searched] == [(42, 43, 44)]


async def test_the_lighton_key_of_the_client_key_searches_for_its_people() -> None:
    grants = {"webui": Grant(lighton_key_env="WEBUI_KEY")}
    given = {**SETTINGS, "access": RULES}
    world = World(grants, given, {"WEBUI_KEY": "webuis-secret"}, people=TWO)
    await world.chat("ann", {"messages": MESSAGES})
    assert [tuple(each) for each in world.searched] == [((42,), "webuis-secret")]


async def test_other_rules_hold_for_the_next_request() -> None:
    world = two_people()
    assert (await world.chat("ann", {"messages": MESSAGES})).status == 200
    world.rules.take(())
    answer = await world.chat("ann", {"messages": MESSAGES})
    assert (answer.status, error_in(answer)["code"]) == (403, "no_access")
    assert "'ann@example.com'" in error_in(answer)["message"]


async def test_a_header_cannot_take_back_what_was_narrowed() -> None:
    world = two_people()
    headers = Headers({}, [(WORKSPACE.encode(), b"42"), (WORKSPACE.encode(), b"43")])
    assert (await world.chat("ann", {"messages": MESSAGES}, headers)).status == 400
    assert world.paths == []


# Whatever key and rules say

NUMBERS = (42, 43, 44)
numbers = st.lists(st.sampled_from(NUMBERS), unique=True)
some_numbers = st.just("all") | numbers
drawn_rules = st.lists(
    st.fixed_dictionaries({"workspace_id": some_numbers})
    | st.fixed_dictionaries({"workspace_id": some_numbers, "group": st.sampled_from(["a", "b"])}),
    max_size=3,
)


def numbers_in(value: Any) -> set[int]:
    return set(NUMBERS) if value in ("all", None) else set(value)


@given(
    ours=st.none() | numbers.filter(bool),
    key=some_numbers,
    drawn=drawn_rules,
    groups=st.frozensets(st.sampled_from(["a", "b", "c"])),
    profile=st.none() | numbers.filter(bool),
    wish=st.none() | numbers.filter(bool),
)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
async def test_a_search_is_within_settings_key_person_profile_and_request(  # noqa: PLR0913 - the parts
    *,
    ours: list[int] | None,
    key: Any,
    drawn: list[dict[str, Any]],
    groups: frozenset[str],
    profile: list[int] | None,
    wish: list[int] | None,
) -> None:
    tables = [each if "group" in each else {**each, "user": "ann"} for each in drawn]
    fitting = [each for each in tables if each.get("group", "a") in groups or "user" in each]
    allowed = numbers_in(ours) & numbers_in(key) & numbers_in(profile) & numbers_in(wish)
    allowed &= set().union(*(numbers_in(each["workspace_id"]) for each in fitting))
    assume(numbers_in(ours) & numbers_in(profile))  # otherwise, the proxy would not start
    world = World(
        {"webui": Grant(None if key == "all" else frozenset(key))},
        {
            "retrieval": "context",
            "workspace_id": ours,
            "access": tables,
            "profiles": {"p": {"workspace_id": profile}},
        },
        people={"ann": ("webui", Person("ann", groups))},
    )
    body = {"model": "p", "messages": MESSAGES, **(lighton(workspace_id=wish) if wish else {})}
    answer = await world.chat("ann", body)
    if not fitting:
        assert error_in(answer)["code"] == "no_access"
    elif not allowed:
        assert error_in(answer)["code"] == "empty_scope"
    else:
        (search,) = world.searched
        found = set(NUMBERS) if search.workspaces is None else set(search.workspaces)
        assert (answer.status, found) == (200, allowed)
    assert bool(world.searched) == (bool(fitting) and bool(allowed))
