"""The issuer of tokens, as OpenID Connect Discovery 1.0 describes it: where its keys are.

Nothing a client sends leads here to an address. The issuer's own configuration may name another
host for its keys, as large issuers do, but no reply leads further: a redirect is a fault.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import SplitResult, urlsplit, urlunsplit

import orjson

from proxy.addresses import without_secrets
from proxy.errors import BadReply, UpstreamTimeout
from proxy.upstreams.http.causes import NOT_JSON, SHAPE
from proxy.upstreams.http.endpoint import Counted, Endpoint, Reply, Transport, uncounted

_DISCOVERY: Final = "/.well-known/openid-configuration"
_LONGEST_S: Final = 10.0
"""How long both requests together may take."""
_LONGEST_BODY: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Issuer:
    """Fetches the keys of one issuer."""

    issuer: str
    """Its name, which is an address."""
    jwks_url: str | None
    """Where its keys are; None if its configuration says so."""
    transport: Transport = field(repr=False)
    connect_timeout_s: float
    counted: Counted = field(default=uncounted, repr=False)

    @property
    def name(self) -> str:
        """As the operator knows it."""
        return urlsplit(self.issuer).netloc

    async def keys(self) -> object:
        """Its set of keys (JWKS), decoded and not checked. Raises UpstreamError."""
        try:
            async with asyncio.timeout(_LONGEST_S):
                return await self._document(self.jwks_url or await self._found())
        except TimeoutError:
            what = f"{self.name} took more than {_LONGEST_S:g} seconds to send its keys."
            raise UpstreamTimeout(self.name, what, cause="read_timeout") from None

    async def _found(self) -> str:
        """Where the issuer's configuration says that its keys are."""
        said = await self._document(self.issuer.rstrip("/") + _DISCOVERY)
        if not isinstance(said, dict) or said.get("issuer") != self.issuer:
            what = f"The configuration at {self.name} is that of another issuer."
            raise BadReply(self.name, what, cause="other_issuer")
        url = said.get("jwks_uri")
        if not isinstance(url, str) or not self._may_lead_to(url):
            what = f"The configuration at {self.name} names no address of keys, or an unsafe one."
            raise BadReply(self.name, what, cause=SHAPE)
        return url

    def _may_lead_to(self, url: str) -> bool:
        """Whether it is an address, and as safe on its way as the issuer's own."""
        try:
            parts = urlsplit(url)
            is_address = bool(parts.hostname) and parts.port != 0 and url.isascii()
        except ValueError:
            return False
        return is_address and parts.scheme in {"https", urlsplit(self.issuer).scheme}

    async def _document(self, url: str) -> object:
        parts = urlsplit(url)
        base = urlunsplit(SplitResult(parts.scheme, parts.netloc, "", "", ""))
        path = urlunsplit(SplitResult("", "", parts.path, parts.query, "")) or "/"
        connect_s = self.connect_timeout_s
        endpoint = Endpoint(parts.netloc, base, "", self.transport, connect_s, counted=self.counted)
        reply = Reply(parts.netloc, _LONGEST_S, _LONGEST_BODY)
        await endpoint.push("GET", path, reply)
        if reply.status != HTTPStatus.OK:
            what = f"{without_secrets(url)} answers with the status {reply.status}."
            raise BadReply(self.name, what, cause=f"status_{reply.status}")
        try:
            return orjson.loads(reply.body)
        except ValueError:
            what = f"{without_secrets(url)} answers without JSON."
            raise BadReply(self.name, what, cause=NOT_JSON) from None
