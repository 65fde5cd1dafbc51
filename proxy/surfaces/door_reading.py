"""How the door reads: it checks what the parser reports, before the application sees it.

- **It declines an offer to upgrade** and treats the request as an ordinary one (RFC 9110, 7.8).
  httptools stops at the end of such a head and takes the body for another protocol. So a new parser
  reads the head again, without the offer, and then the body.
- **It bounds heads**, in bytes and in headers.
- **It drops trailers** (RFC 9110, 6.5.1): they must not pass for headers.
- **It drops the rest of an answered request**, up to a limit.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from proxy.access.addresses import client_address
from proxy.errors import BadRequest, MethodNotAllowed, ProxyError
from proxy.surfaces.client_end import ClientEnd, put_client_end
from proxy.surfaces.door_limits import DoorLimits, Place, too_large

_NOT_HTTP: Final = "This is not a valid HTTP/1.1 request."


class DoorReader(HttpToolsProtocol):
    """The side of a connection that the parser calls."""

    # With more than thirty names in it, the dict that the base class brings would share none of
    # them with those of other connections.
    __slots__ = (
        "_client",
        "_client_end",
        "_dropped",
        "_has_heard",
        "_head_bytes",
        "_hosts",
        "_limits",
        "_peer",
        "_place",
        "_requests",
    )

    def __init__(
        self,
        limits: DoorLimits,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = limits
        self._place = Place.NEW
        self._requests = 0
        """How many complete heads have arrived."""
        self._has_heard = False
        """Whether the parser has reported a head or a part of a body. The caller resets this."""
        self._head_bytes = 0
        """The bytes of the head's lines that the parser has reported."""
        self._hosts = 0
        self._dropped = 0
        """The bytes that arrived for an already answered request."""
        self._client_end = ClientEnd(self.loop, limits.client_stall_s)
        self._peer = ""
        self._client = ""
        """The client's address: the peer's, unless a trusted proxy names another."""

    def _parse(self, piece: memoryview) -> None:
        """Give `piece` to the parser. Raises ProxyError if the door cannot serve the request."""
        try:
            self._parse_past_offers(piece)
        except httptools.HttpParserError as fault:
            ours = fault.__context__  # a callback raised it; httptools wraps it
            raise ours if isinstance(ours, ProxyError) else BadRequest(_NOT_HTTP) from None

    def _parse_past_offers(self, piece: memoryview) -> None:
        """Parse on behind each head that offers an upgrade. Such a head stops the parser."""
        while True:
            try:
                self.parser.feed_data(piece)
            except httptools.HttpParserUpgrade as stop:
                if self.parser.get_method() == b"CONNECT":
                    raise MethodNotAllowed(
                        "The proxy opens no tunnels: do not use CONNECT."
                    ) from None
                head = self._head_without_offer()
                self.parser = httptools.HttpRequestParser(self)
                self.parser.feed_data(head)
                piece = piece[stop.args[0] :]
            else:
                return

    def _head_without_offer(self) -> bytes:
        """The head that was just parsed, without the header that makes it an offer."""
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)]
        lines += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        return b"\r\n".join((*lines, b"", b""))

    # The side of the parser

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._place = Place.HEAD
        self._head_bytes = 0
        self._hosts = 0
        self._client = self._peer

    def on_url(self, url: bytes) -> None:
        self.url += url
        self._head_bytes += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value)
        if self._place is not Place.HEAD:
            return
        limits = self._limits
        if len(self.headers) >= limits.max_headers or self._head_bytes > limits.max_head_bytes:
            raise too_large(limits)
        name = name.lower()
        self.headers.append((name, value))
        if name == b"host":
            self._hosts += 1
        elif name == b"expect":
            self.expect_100_continue = value.lower() == b"100-continue"
        elif name == b"transfer-encoding" and value.lower() != b"chunked":
            raise BadRequest("The proxy reads no transfer coding but 'chunked'.")

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            return  # `_parse_past_offers` reads this head again
        if self._hosts != 1 and not (self._hosts == 0 and self.parser.get_http_version() == "1.0"):
            raise BadRequest("A request needs exactly one Host header.")  # RFC 9112, 3.2
        if self._limits.trusted and self.client is not None:
            self._client = client_address(self._peer, self._forwarded_for(), self._limits.trusted)
            self.scope["client"] = (self._client, self.client[1])
        put_client_end(self.scope, self._client_end)
        super().on_headers_complete()
        self._has_heard = True
        self._place = Place.BODY
        self._requests += 1
        self._dropped = 0

    def on_body(self, body: bytes) -> None:
        self._has_heard = True
        if self.cycle.response_complete:
            self._drop(len(body))
            return
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._has_heard = True
        self._place = Place.BETWEEN
        super().on_message_complete()

    def _forwarded_for(self) -> str:
        values = [value for name, value in self.headers if name == b"x-forwarded-for"]
        return b",".join(values).decode("latin-1")

    def _drop(self, size: int) -> None:
        """Count bytes that the door reads only to let the client finish."""
        self._dropped += size
        if self._dropped > self._limits.linger_bytes:
            self._close_now()

    def _close_now(self) -> None:
        self._place = Place.SHUT
        self.transport.abort()
