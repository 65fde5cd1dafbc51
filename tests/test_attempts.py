"""Attempts to get more than a key opens, each made streamed and plain.

The table says what a client tries, and what comes of it. A refused attempt reaches no upstream.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from proxy.access.grants import EVERYTHING, Grant
from tests.support.asgi import Answer, Headers
from tests.support.keyed import QUESTION, World, passage_of, searching
from tests.support.openai_schema import check_error

MESSAGES = [{"role": "user", "content": QUESTION}]
SETTINGS: dict[str, Any] = {
    "workspace_id": [42, 43, 44],
    "retrieval": "context",
    "search_cache_ttl": 60,
    "profiles": {
        "hr": {"model": "llama", "workspace_id": [42]},
        "wide": {"model": "llama"},
        "legal": {"model": "llama", "workspace_id": [43]},
        "plain": {"model": "llama", "retrieval": "off"},
        "private": {"model": "llama", "workspace_id": [44]},
    },
}
ANY = Grant(frozenset({42}))
"""Workspace 42, with any profile and model."""
HR = Grant(frozenset({42, 43}), frozenset({"hr", "wide"}), frozenset())
"""Two profiles and no model, workspaces 42 and 43."""
CLOSED = Grant(frozenset())
"""No workspace."""
MUST_SEARCH = Grant(frozenset({42}), retrieval=frozenset({"context"}))
OF_ACME = Grant(frozenset({42}), lighton_key_env="ACME_KEY")


@dataclass(frozen=True)
class Refused:
    status: int
    code: str | None

    def __str__(self) -> str:
        return f"{self.status} `{self.code}`" if self.code else f"{self.status}"


@dataclass(frozen=True)
class Within:
    """An answer after searches of these workspaces alone."""

    workspaces: tuple[int, ...]
    is_sifted: bool = False
    """LightOn was asked without them, and the proxy drops what it finds elsewhere."""

    def __str__(self) -> str:
        told = " and ".join(map(str, self.workspaces))
        return f"searches workspace {told} only" if told else "answered without a search"


EMPTY = Refused(403, "empty_scope")
NOT_FOUND = Refused(404, "model_not_found")
NO_SUCH_MODE = Refused(403, "retrieval_not_allowed")
BAD = Refused(400, None)


@dataclass(frozen=True)
class Attempt:
    """One request."""

    says: str
    grant: Grant
    body: Mapping[str, Any] | bytes
    outcome: Refused | Within
    headers: Mapping[str, str] = field(default_factory=dict)
    world: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


def lighton(**wish: Any) -> dict[str, Any]:
    return {"lighton": wish}


def twice(field_: str, one: Any, other: Any) -> bytes:
    """A body that has a field two times."""
    parts = [orjson.dumps(field_) + b":" + orjson.dumps(each) for each in (one, other)]
    return b"{" + b",".join(parts) + b"," + orjson.dumps({"messages": MESSAGES})[1:]


WORKSPACE = "x-lighton-workspace-id"
TOOL = {"retrieval": "tool"}
SEARCH = {"type": "function", "function": {"name": "lighton_search"}}
OTHERS = {"workspace_id": [43, 44], "filters": {"workspace_id": 43}, "scope": None}
TITLE = [
    {
        "role": "user",
        "content": "### Task:\nGenerate a concise title.\n<chat_history>Hi</chat_history>",
    }
]

WIDENING = (
    Attempt("the body asks for another workspace", ANY, lighton(workspace_id=[43]), EMPTY),
    Attempt(
        "the body asks for its own workspace and others",
        ANY,
        lighton(workspace_id=[42, 43, 44, 99]),
        Within((42,)),
    ),
    Attempt("the body asks for nothing", ANY, {}, Within((42,))),
    Attempt("the body asks for no workspaces at all", ANY, lighton(workspace_id=[]), EMPTY),
    Attempt("the body asks for null workspaces", ANY, lighton(workspace_id=None), Within((42,))),
    Attempt("the body asks for workspace '43' as text", ANY, lighton(workspace_id=["43"]), BAD),
    Attempt("the body asks for workspace true", ANY, lighton(workspace_id=[True]), BAD),
    Attempt(
        "a header asks for another workspace",
        ANY,
        {},
        EMPTY,
        headers={WORKSPACE: "43"},
    ),
    Attempt(
        "header and body ask for different workspaces",
        HR,
        {"model": "wide", **lighton(workspace_id=[43])},
        EMPTY,
        headers={WORKSPACE: "42"},
    ),
    Attempt(
        "a header is sent twice, first narrow and then wide",
        ANY,
        {},
        BAD,
        headers=Headers({}, [(WORKSPACE.encode(), b"42"), (WORKSPACE.encode(), b"43")]),
    ),
    Attempt("a misspelt header", ANY, {}, BAD, headers={"x-light-on-workspace-id": "43"}),
    Attempt("'lighton' is sent twice", ANY, twice("lighton", {}, {"workspace_id": [43]}), BAD),
    Attempt("'model' is sent twice", HR, twice("model", "hr", "legal"), BAD),
    Attempt("a misspelt field", ANY, {"LightOn": {"workspace_id": [43]}}, BAD),
    Attempt(
        "the wish stands in an SDK's option", ANY, {"extra_body": lighton(workspace_id=[43])}, BAD
    ),
    Attempt(
        "the body asks for a file, which LightOn takes without workspaces",
        ANY,
        lighton(file_id=[7]),
        Within((42,), is_sifted=True),
        world={"brings": (42, 43)},
    ),
    Attempt(
        "the model asks its tool for other workspaces",
        ANY,
        {},
        Within((42,)),
        world={"say": searching(**OTHERS)},
        settings=TOOL,
    ),
    Attempt(
        "the client forces the search tool",
        CLOSED,
        {"tool_choice": SEARCH},
        EMPTY,
        settings=TOOL,
    ),
    Attempt(
        "the client forces the search tool with retrieval off",
        ANY,
        {"tool_choice": SEARCH, **lighton(retrieval="off")},
        BAD,
    ),
    Attempt(
        "LightOn brings passages of other workspaces",
        ANY,
        {},
        Within((42,)),
        world={"brings": (42, 43, 44)},
    ),
    Attempt("a profile is wider than the key", ANY, {"model": "wide"}, Within((42,))),
    Attempt("a profile lies outside of the key", ANY, {"model": "legal"}, EMPTY),
    Attempt("a key is wider than the profile", HR, {"model": "hr"}, Within((42,))),
    Attempt("a key is wider than the settings", Grant(frozenset({44, 99})), {}, Within((44,))),
    Attempt("a key lies outside of the settings", Grant(frozenset({99})), {}, EMPTY),
    Attempt(
        "a key opens all workspaces, and the settings some", EVERYTHING, {}, Within((42, 43, 44))
    ),
    Attempt("a key without workspaces asks", CLOSED, {}, EMPTY),
    Attempt("a key without workspaces asks in the mode tool", CLOSED, {}, EMPTY, settings=TOOL),
    Attempt("a key without workspaces names one", CLOSED, lighton(workspace_id=[42]), EMPTY),
    Attempt("a key without workspaces asks for a title", CLOSED, {"messages": TITLE}, EMPTY),
    Attempt(
        "a key without workspaces does not search", CLOSED, lighton(retrieval="off"), Within(())
    ),
    Attempt(
        "a key without workspaces uses a profile that does not search",
        CLOSED,
        {"model": "plain"},
        Within(()),
    ),
    Attempt(
        "a key that must search turns it off", MUST_SEARCH, lighton(retrieval="off"), NO_SUCH_MODE
    ),
    Attempt(
        "a header turns off the search of a key that must search",
        MUST_SEARCH,
        {},
        NO_SUCH_MODE,
        headers={"x-lighton-retrieval": "off"},
    ),
    Attempt(
        "a key that must search uses a profile that does not",
        MUST_SEARCH,
        {"model": "plain"},
        Within((42,)),
    ),
    Attempt(
        "a key that must not search asks for it",
        Grant(frozenset({42}), retrieval=frozenset({"off"})),
        lighton(retrieval="context"),
        NO_SUCH_MODE,
    ),
    Attempt("a profile that the key has not", HR, {"model": "legal"}, NOT_FOUND),
    Attempt("a model that the key has not", HR, {"model": "qwen"}, NOT_FOUND),
    Attempt("the model behind a profile of the key", HR, {"model": "llama"}, NOT_FOUND),
    Attempt("no model, and the default is not the key's", HR, {}, NOT_FOUND),
    Attempt("a profile in capitals", HR, {"model": "LEGAL"}, NOT_FOUND),
    Attempt("a profile in full-width letters", HR, {"model": "\uff4cegal"}, NOT_FOUND),
    Attempt("a profile with an invisible character", HR, {"model": "legal\u200b"}, NOT_FOUND),
    Attempt(
        "a name that is a profile's but for a Cyrillic letter",
        HR,
        {"model": "leg\u0430l"},
        NOT_FOUND,
    ),
    Attempt(
        "a key of any model names one that reads like a hidden profile",
        Grant(frozenset({42}), frozenset({"hr"})),
        {"model": "Legal"},
        NOT_FOUND,
    ),
    Attempt(
        "a key of any model names the model that a hidden profile stands before",
        Grant(frozenset({42}), frozenset({"hr"})),
        {"model": "private"},
        NOT_FOUND,
    ),
    Attempt(
        "a key of one model names it in capitals",
        Grant(frozenset({42}), frozenset(), frozenset({"qwen"})),
        {"model": "QWEN"},
        NOT_FOUND,
    ),
    Attempt(
        "a key with a LightOn key that is not set", OF_ACME, {}, Refused(503, "search_key_missing")
    ),
)


def error_in(answer: Answer) -> dict[str, Any]:
    document = answer.json()
    check_error(document)
    error: dict[str, Any] = document["error"]
    return error


def written(body: Mapping[str, Any] | bytes, *, stream: bool) -> bytes:
    if isinstance(body, bytes):
        return body[:-1] + b',"stream":%s}' % (b"true" if stream else b"false")
    return orjson.dumps({"messages": MESSAGES, "stream": stream, **body})


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("attempt", WIDENING, ids=lambda each: each.says)
async def test_a_key_opens_no_more_than_its_own(attempt: Attempt, *, stream: bool) -> None:
    world = World({"ann": attempt.grant}, {**SETTINGS, **attempt.settings}, **attempt.world)
    answer = await world.chat("ann", written(attempt.body, stream=stream), attempt.headers)
    outcome = attempt.outcome
    if isinstance(outcome, Refused):
        assert (answer.status, error_in(answer)["code"]) == (outcome.status, outcome.code)
        assert world.paths == []
        return
    assert answer.status == 200
    assert world.asked
    told = answer.body + orjson.dumps(world.asked)
    for workspace in (1, 42, 43, 44, 99):
        assert (passage_of(workspace).encode() in told) == (workspace in outcome.workspaces)
    searched = [each.workspaces for each in world.searched]
    if outcome.workspaces:
        assert searched == [None if outcome.is_sifted else outcome.workspaces]
    else:
        assert searched == []
