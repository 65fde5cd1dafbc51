"""A proxy in front of scripted upstreams, with an issuer of tokens and keys that stand for people.

Two people and a group may each search one workspace, whose passages name it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import orjson

from proxy.app import Proxy, create_app
from proxy.settings import Settings
from proxy.settings.named_secrets import NamedSecrets
from proxy.upstreams.http.endpoint import Transport, pooled_transport
from proxy.upstreams.http.outbound import Outbound
from proxy.upstreams.http.over_httpx import OverHttpx
from tests.access.key_samples import table, write
from tests.support.asgi import Answer, Headers, ask
from tests.support.issuer import AUDIENCE, Issuer, issuing
from tests.support.script import Round, result

ANN, BOB, GROUP = "ann@example.com", "bob@example.com", "hr"
JWT, USER, GROUPS = "X-OpenWebUI-User-Jwt", "X-OpenWebUI-User-Email", "X-User-Groups"
SECRETS: Final[Mapping[str, str]] = {
    "FRONT_SECRET": "the secret of the front-end, which is long",
    "OTHER_SECRET": "the secret of another front-end, long too",
}
FRONT, OTHER, PORTAL, NARROW, PLAIN, UNSET = (
    *("rp-front", "rp-other", "rp-portal", "rp-narrow", "rp-plain", "rp-unset"),
)
_ALL: Final = "workspaces = [42, 43, 44]"
_SIGNED: Final = f'signed_user_header = "{JWT}"\ntrust_groups_header = "{GROUPS}"'
_TRUSTED: Final = f'trust_user_header = "{USER}"\ntrust_groups_header = "{GROUPS}"'
_TABLES: Final = (
    table("front", FRONT, f'{_ALL}\n{_SIGNED}\nsigned_user_secret_env = "FRONT_SECRET"'),
    table("other", OTHER, f'{_ALL}\n{_SIGNED}\nsigned_user_secret_env = "OTHER_SECRET"'),
    table("unset", UNSET, f'{_ALL}\n{_SIGNED}\nsigned_user_secret_env = "NO_SECRET"'),
    table("portal", PORTAL, f"{_ALL}\n{_TRUSTED}"),
    table("narrow", NARROW, f"workspaces = [43]\n{_TRUSTED}"),
    table("plain", PLAIN, "workspaces = [42]"),
)


@dataclass
class World:
    """The proxy and its issuer, and what LightOn was asked for."""

    folder: Path
    issuer: Issuer
    way: Transport
    """To the issuer."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    searched: list[tuple[int, ...]] = field(default_factory=list)
    """The workspaces of each search."""
    app: Proxy = field(init=False)

    def __post_init__(self) -> None:
        upstreams = OverHttpx(httpx.MockTransport(self._answer))
        keys = write(self.folder / "keys.toml", *_TABLES)
        keys.chmod(0o600)
        given = {
            "lighton_base_url": "http://lighton.test",
            "lighton_api_key": "lighton-secret",
            "scaleway_base_url": "http://scaleway.test/v1",
            "scaleway_api_key": "scaleway-secret",
            "default_model": "llama",
            "retrieval": "context",
            "keys_file": str(keys),
            "access": (
                {"user": ANN, "workspace_id": [42]},
                {"user": BOB, "workspace_id": [43]},
                {"group": GROUP, "workspace_id": [44]},
            ),
            "identity": {"oidc": {"issuer": self.issuer.url, "audience": AUDIENCE}},
        }
        self.app = create_app(
            Settings(**{**given, **self.settings}),
            Outbound(upstreams, upstreams, self.way),
            secrets=NamedSecrets(SECRETS),
        )

    async def chat(self, bearer: str, *headers: tuple[str, str | bytes], **wish: Any) -> Answer:
        """The answer to a question. A header may come several times."""
        given = [("authorization", f"Bearer {bearer}"), *headers] if bearer else headers
        raw = [
            (name.lower().encode(), value if isinstance(value, bytes) else value.encode())
            for name, value in given
        ]
        body = {"messages": [{"role": "user", "content": "How many days of leave?"}], **wish}
        return await ask(self.app, content=orjson.dumps(body), headers=Headers({}, raw))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"data": [{"id": "llama"}]})
        body = orjson.loads(request.content)
        if request.url.path != "/api/v3/search":
            return httpx.Response(200, json=Round("It is in the documents [1].").completion())
        self.searched.append(tuple(sorted(body["workspace_id"])))
        found = [
            {**result(f"c{each}", f"Of {each}."), "workspace": {"id": each, "name": "W"}}
            for each in body["workspace_id"]
        ]
        return httpx.Response(200, json={"results": found})


def world_in(folder: Path) -> World:
    """A proxy that calls its issuer without a socket."""
    issuer = Issuer()
    return World(folder, issuer, OverHttpx(httpx.ASGITransport(issuer)))


@asynccontextmanager
async def served_world_in(folder: Path, **settings: Any) -> AsyncIterator[World]:
    """A proxy whose issuer is a server."""
    async with issuing() as issuer:
        world = World(folder, issuer, pooled_transport(), settings)
        try:
            yield world
        finally:
            await world.way.aclose()
