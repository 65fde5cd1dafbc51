"""An issuer of tokens (OIDC) on loopback, with keys of its own.

It is an ASGI application, so that a test can also put it at the transport. Tokens are signed with
joserfc; what a test wants to be wrong, it says.
"""

from __future__ import annotations

import asyncio
import json
import time
import warnings
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

from joserfc import jws
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from starlette.types import Message, Receive, Scope, Send

from tests.support.server import serving, serving_in_thread

AUDIENCE: Final = "rag-proxy"
DISCOVERY: Final = "/.well-known/openid-configuration"
KEYS: Final = "/keys"
ALGORITHMS: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
_EVERY: Final = (*ALGORITHMS, "HS256", "HS384", "HS512")


def make_key(algorithm: str, kid: str, **more: str) -> Key:
    """A fresh private key for an algorithm. `more` are fields of its JWK."""
    fields: Any = {"kid": kid, "use": "sig", **more}
    if algorithm.startswith("ES"):
        curves: Any = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
        return ECKey.generate_key(curves[algorithm], fields)
    if algorithm == "EdDSA":
        return OKPKey.generate_key("Ed25519", fields)
    if algorithm.startswith("HS"):
        return OctKey.generate_key(512, fields)
    return RSAKey.generate_key(2048, fields)


def sign(claims: Mapping[str, Any], key: Key, header: Mapping[str, Any]) -> str:
    """A token in its compact form. Nothing is added to the header or to the claims."""
    registry = jws.JWSRegistry(algorithms=_EVERY, strict_check_header=False)
    registry.max_header_length = 1_000_000
    registry.max_payload_length = 1_000_000
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # EdDSA has a newer name
        return jws.serialize_compact(
            dict(header), json.dumps(claims), key, algorithms=_EVERY, registry=registry
        )


def user_header(
    secret: str,
    email: str | None = "ann@example.com",
    lasts_s: float = 300,
    now: float | None = None,
    **claims: Any,
) -> str:
    """A signed user header as Open WebUI 0.12 sends it. A claim that is None is left out."""
    now = int(time.time() if now is None else now)
    said = {
        "sub": "8d967d73-99b8-40ff-ac3b-c71ac19be6e1",
        "email": email,
        "name": "Ann",
        "role": "user",
        "iss": "open-webui",
        "iat": now,
        "exp": now + lasts_s,
        **claims,
    }
    header = {"alg": "HS256", "typ": "JWT"}
    return sign(_without_none(said), OctKey.import_key(secret.encode()), header)


class Issuer:
    """What it has been asked, and how it answers."""

    def __init__(self, algorithm: str = "ES256") -> None:
        self.algorithm = algorithm
        self.url = "http://issuer.test"
        """Its address, and its name in tokens. It has no slash at the end."""
        self.calls_itself: str | None = None
        """The name that its configuration says, where that is another one."""
        self.asked: list[str] = []
        """The paths of all requests."""
        self.is_asked = asyncio.Event()
        """Set by the first request."""
        self.is_down = False
        """Whether it answers every request with 503."""
        self.is_open = asyncio.Event()
        """Requests wait for it; it is set at the beginning. Clear it for a slow issuer."""
        self.is_open.set()
        self.redirect_to: str | None = None
        """Where it sends whoever asks for its keys."""
        self.body: bytes | None = None
        """What it answers in the place of its keys."""
        self._count = 0
        self.published: list[Key] = []
        """The keys that it publishes. The last one signs."""
        self.rotate()

    @property
    def key(self) -> Key:
        """The private key that signs."""
        return self.published[-1]

    def rotate(self, *, keep: bool = False) -> None:
        """Sign with a new key from now on. Those before are withdrawn unless they `keep` on."""
        self._count += 1
        fresh = make_key(self.algorithm, f"key-{self._count}", alg=self.algorithm)
        self.published = [*self.published, fresh] if keep else [fresh]

    def claims(
        self,
        user: str | None = "ann@example.com",
        groups: Sequence[str] | None = ("hr",),
        **claims: Any,
    ) -> dict[str, Any]:
        """The claims of a valid token. A claim that is None is left out."""
        now = int(time.time())
        said = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "f3c1",
            "email": user,
            "groups": list(groups) if isinstance(groups, tuple) else groups,
            "iat": now,
            "exp": now + 300,
            **claims,
        }
        return _without_none(said)

    def token(
        self,
        user: str | None = "ann@example.com",
        groups: Sequence[str] | None = ("hr",),
        *,
        key: Key | None = None,
        header: Mapping[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """A token, valid unless `key`, `header` or a claim make it wrong. None leaves out."""
        key = key or self.key
        said = {"alg": self.algorithm, "typ": "JWT", "kid": key.kid, **(header or {})}
        return sign(self.claims(user, groups, **claims), key, _without_none(said))

    def jwks(self) -> dict[str, Any]:
        """The keys as it publishes them."""
        return {"keys": [each.as_dict(private=False) for each in self.published]}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await _lifespan(receive, send)
            return
        path = scope["path"]
        self.asked.append(path)
        self.is_asked.set()
        await self.is_open.wait()
        headers = [(b"content-type", b"application/json")]
        status, body = self._answer(path)
        if self.redirect_to is not None and path == KEYS:
            status, body = 302, b""
            headers.append((b"location", self.redirect_to.encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _answer(self, path: str) -> tuple[int, bytes]:
        if self.is_down:
            return 503, b"{}"
        if path == DISCOVERY:
            name = self.url if self.calls_itself is None else self.calls_itself
            said = {"issuer": name, "jwks_uri": f"{self.url}{KEYS}"}
            return 200, json.dumps(said).encode()
        if path == KEYS:
            return 200, json.dumps(self.jwks()).encode() if self.body is None else self.body
        return 404, b"{}"


@contextmanager
def issuing_in_thread(algorithm: str = "ES256") -> Iterator[Issuer]:
    """An issuer in an event loop of its own, for programs in other processes."""
    issuer = Issuer(algorithm)
    with serving_in_thread(issuer) as issuer.url:
        yield issuer


@asynccontextmanager
async def issuing(algorithm: str = "ES256") -> AsyncIterator[Issuer]:
    """An issuer in the test's own event loop."""
    issuer = Issuer(algorithm)
    async with serving(issuer) as issuer.url:
        yield issuer


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message: Message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
