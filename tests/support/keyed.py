"""A proxy whose clients hold keys that open different things, and what its upstreams hear."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import httpx
import orjson

from proxy.access.clients import Client, Person
from proxy.access.grants import Grant
from proxy.access.identity import UNADMITTED
from proxy.access.keys import KeyRing
from proxy.access.rules import Rules
from proxy.app import Proxy, create_app
from proxy.settings import Settings
from proxy.settings.access import rules_of
from proxy.settings.named_secrets import NamedSecrets
from tests.support.asgi import Answer, Headers, ask
from tests.support.script import Round, offers_search, result, search_call

QUESTION = "How many days of leave?"
_FILES = "/api/v3/files/"
_WORKSPACES = "/api/v3/workspaces"
PROXYS_KEY = "lighton-of-the-proxy"

Say = Callable[[dict[str, Any]], Round]


class GivenKeys(KeyRing):
    """Each key opens what it is said to open. People ask through keys, each by a name of their own.

    `people` are they, each with the key's name.
    """

    def __init__(
        self,
        grants: Mapping[str, Grant],
        people: Mapping[str, tuple[str, Person]] | None = None,
    ) -> None:
        super().__init__(grants, secret=b"s")
        self._given = {name: Client(name, f"id-{name}", grant) for name, grant in grants.items()}
        self._people = people or {}

    def change(self, name: str, client: Client) -> None:
        """From now on, the key `name` is that of `client`."""
        self._given[name] = client

    def identify(self, headers: Mapping[str, str]) -> Client:
        name = headers["authorization"].removeprefix("Bearer ")
        if name in self._people:
            key, person = self._people[name]
            return replace(self._given[key], person=person, of_person=UNADMITTED)
        return self._given[name]


class GivenRules(Rules):
    """The rules of the settings, for all but people who a test says may use what they may."""

    def admit(self, client: Client, person: Person) -> Client:
        return super().admit(client, person) if client.of_person == UNADMITTED else client


class Searched(NamedTuple):
    """A search that LightOn got."""

    workspaces: tuple[int, ...] | None
    key: str


def searching(**arguments: Any) -> Say:
    """A model that searches if it may and has not yet, with these arguments, and then answers."""

    def say(body: dict[str, Any]) -> Round:
        has_searched = any(each["role"] == "tool" for each in body["messages"])
        if offers_search(body) and not has_searched:
            call = search_call(arguments.get("query", "leave"), **arguments)
            return Round(calls=(call,), finish_reason="tool_calls")
        return Round("It is in the documents [1].")

    return say


@dataclass
class World:
    """The proxy in front of scripted upstreams. Each workspace holds a passage that names it."""

    grants: Mapping[str, Grant]
    settings: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, str | None] = field(default_factory=dict)
    say: Say = field(default_factory=searching)
    listed: tuple[str, ...] = ("llama", "qwen", "Legal", "private")
    paths: list[str] = field(default_factory=list)
    """Of all requests to the upstreams."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    searched: list[Searched] = field(default_factory=list)
    bodies: list[Mapping[str, Any]] = field(default_factory=list)
    """Of these searches."""
    brings: tuple[int, ...] = ()
    """Workspaces of which a search brings passages, whatever it asked for."""
    found: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """What a search for these words brings, whatever its scope."""
    has_list: bool = True
    """Whether the list of models can be had."""
    has_files: bool = False
    """Whether each workspace holds a file of its number, whose pages can be read."""
    read: list[int] = field(default_factory=list)
    """The files of which pages were asked for."""
    fault: Any = None
    """What LightOn says to every search, with the status 422."""
    workspaces: tuple[int, ...] | None = (1, 42, 43)
    """Those that LightOn lists; None if it lists none and says that it is away."""
    listed_for: list[str] = field(default_factory=list)
    """The keys for which it did."""
    forbids: bool = False
    """Whether LightOn says to every search that nothing fits."""
    is_deaf: bool = False
    """Whether LightOn answers nothing."""
    wait_for: int = 0
    """How many searches must have come before any is answered."""
    people: Mapping[str, tuple[str, Person]] = field(default_factory=dict)
    """Those who ask through a key, by names that stand for the key in a request."""
    rules: Rules = field(init=False)
    """Those of the settings, until others are taken."""
    keys: GivenKeys = field(init=False)
    app: Proxy = field(init=False)

    def __post_init__(self) -> None:
        self._all_there = asyncio.Event()
        given = {
            "lighton_base_url": "http://lighton.test",
            "lighton_api_key": PROXYS_KEY,
            "scaleway_base_url": "http://scaleway.test/v1",
            "scaleway_api_key": "scaleway-secret",
            "default_model": "llama",
        }
        settings = Settings(**{**given, **self.settings})
        self.rules = GivenRules(rules_of(settings.access))
        self.keys = GivenKeys(self.grants, self.people)
        self.app = create_app(
            settings,
            httpx.MockTransport(self._answer),
            keys=self.keys,
            rules=self.rules,
            secrets=NamedSecrets(self.variables),
        )

    async def chat(
        self,
        key: str,
        body: Mapping[str, Any] | bytes,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        given = {"authorization": f"Bearer {key}", **(headers or {})}
        if isinstance(headers, Headers):
            given = Headers(given, headers.more)
        return await ask(self.app, content=content, headers=given)

    async def get(self, key: str, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        given = {"authorization": f"Bearer {key}", **(headers or {})}
        return await ask(self.app, path, method="GET", headers=given, content=b"")

    async def post(self, key: str, path: str, body: Any, **headers: str) -> Answer:
        given = {"authorization": f"Bearer {key}"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await ask(self.app, path, body, headers=given)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path)
        if self.is_deaf and request.url.path.startswith("/api/"):
            await asyncio.Event().wait()
        if request.method == "GET":
            return self._read(request)
        body = orjson.loads(request.content)
        if request.url.path == "/api/v3/search":
            return await self._search(request.headers["authorization"], body)
        self.asked.append(body)
        if body["model"] not in self.listed:
            return httpx.Response(404, json={"message": "The model does not exist."})
        said = self.say(body)
        if body.get("stream"):
            kind = {"content-type": "text/event-stream"}
            return httpx.Response(200, headers=kind, content=said.stream())
        return httpx.Response(200, json=said.completion())

    def _read(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == _FILES.rstrip("/"):
            wanted = int(request.url.params["workspace_id"])
            return httpx.Response(200, json={"results": _listed_in(wanted)})
        if request.url.path.startswith(_FILES):
            self.read.append(int(request.url.path.removeprefix(_FILES)))
            return httpx.Response(200, json=_file(self.read[-1]))
        if request.url.path == _WORKSPACES:
            self.listed_for.append(request.headers["authorization"].removeprefix("Bearer "))
            if self.workspaces is None:
                return httpx.Response(503, json={"detail": "Later."})
            return httpx.Response(200, json={"results": list(map(_workspace, self.workspaces))})
        listed = {"data": [{"id": each} for each in self.listed]}
        return httpx.Response(200 if self.has_list else 503, json=listed)

    async def _search(self, authorization: str, body: Mapping[str, Any]) -> httpx.Response:
        ids = body.get("workspace_id")
        workspaces = None if ids is None else tuple(sorted(ids))
        self.searched.append(Searched(workspaces, authorization.removeprefix("Bearer ")))
        self.bodies.append(body)
        if len(self.searched) >= self.wait_for:
            self._all_there.set()
        await self._all_there.wait()
        if self.fault is not None:
            return httpx.Response(422, json=self.fault)
        if self.forbids:
            return httpx.Response(403, json={"code": 403, "error": "x", "detail": "Nothing."})
        if body["query"] in self.found:
            here = [{**each, "workspace": None} for each in self.found[body["query"]]]
            return httpx.Response(200, json={"results": here})
        found = [
            {**self._passage(each), "workspace": {"id": each, "name": "W"}}
            for each in self.brings or workspaces or body.get("file_id") or (1,)
        ]
        return httpx.Response(200, json={"results": found})

    def _passage(self, workspace: int) -> dict[str, Any]:
        more = {"file_id": workspace, "page_start": 1, "page_end": 1} if self.has_files else {}
        found: dict[str, Any] = result(f"c{workspace}", passage_of(workspace), **more)
        return found


def _listed_in(workspace: int) -> list[dict[str, Any]]:
    """A file that could not be read, and the older one of its number."""
    states = ((workspace + 2, 2, "fail"), (workspace, 1, "embedded"))
    return [
        {
            "id": each,
            "title": f"File {each}",
            "workspace": {"id": workspace},
            "created_at": f"1970-01-01T00:0{minute}:00Z",
            "status": status,
        }
        for each, minute, status in states
    ]


def _workspace(number: int) -> dict[str, Any]:
    return {"id": number, "name": f"Team {number}", "files_count": 3}


def _file(number: int) -> dict[str, Any]:
    """A file in the workspace of its number."""
    page = {"index": 2, "markdown": page_of(number)}
    return {
        "id": number,
        "workspace": {"id": number},
        "tags": [],
        "total_pages": 2,
        "pages": [page],
    }


def passage_of(workspace: int) -> str:
    """What stands in a workspace and nowhere else."""
    return f"Secret of workspace {workspace}."


def page_of(workspace: int) -> str:
    """The second page of the file in a workspace."""
    return f"Page of workspace {workspace}."
