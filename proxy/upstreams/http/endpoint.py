"""HTTP to one upstream, and the place where the HTTP client's exceptions become ours."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, Protocol, runtime_checkable
from urllib.parse import quote, urlsplit

from proxy.core.inflight import Hold, InFlight
from proxy.errors import BadReply, Unreachable, UpstreamError, UpstreamTimeout
from proxy.tasks import Behind
from proxy.upstreams.http.causes import TOO_LONG, cause_of, is_lasting, is_unconnected
from proxy.upstreams.http.circuits import CAUSE as NOT_ASKED
from proxy.upstreams.http.circuits import OpenCircuitError, not_asked
from proxy.upstreams.http.encodings import (
    Inflater,
    NotCompressedError,
    OverlongError,
    codings,
    is_known,
)
from proxy.upstreams.http.faults import (
    ConnectError,
    DecodingError,
    NotHTTPReplyError,
    OutboundProxyError,
    TimedOut,
    TransportError,
)
from proxy.upstreams.http.pool import MAX_AGE_S, Origin, PooledTransport, Request
from proxy.upstreams.http.receiver import Feed, Headers, Receiver

_LONGEST_BODY: Final = 32 * 1024 * 1024
"""The most that the proxy keeps of one reply in memory, in bytes. It does not keep streams."""
FAULTS: Final = (TransportError, OSError)
_UNREADABLE: Final = (NotHTTPReplyError, DecodingError)
"""The reply is not HTTP, or its body does not match its encoding."""
_PORTS: Final = {"http": 80, "https": 443}
GIVEN_UP: Final = "given_up"
"""The cause of a request that the proxy ended: nobody wanted its reply any more."""

Counted = Callable[[str, int, str], None]
"""Hears of each request that is over: the upstream, the reply's status, and why it failed.

The status is 0 if there was no reply, the cause "" if nothing failed that HTTP tells of.
"""


def uncounted(_upstream: str, _status: int, _cause: str) -> None:
    """Nobody counts."""


_IN_PATHS: Final = "/%:@!$&'()*+,;=~"
"""What need not be escaped in a path, besides letters and digits (RFC 3986, 3.3)."""


class Reply:
    """A receiver that keeps a whole reply."""

    def __init__(
        self,
        upstream: str,
        timeout_s: float,
        longest: int = _LONGEST_BODY,
        held: Hold | None = None,
    ) -> None:
        """`timeout_s` bounds each wait for bytes, not the whole reply; `longest` its bytes.

        `held` counts the bytes that are kept.
        """
        self._held = held
        self._longest = longest
        self._upstream = upstream
        self.patience_s = timeout_s
        self.status = 0
        self.headers: Mapping[str, str] = {}
        """Names are in lower case. If a name repeats, its last value counts."""
        self._parts: list[bytes] = []
        self._size = 0

    def head(self, status: int, headers: Headers) -> Feed:
        self.status = status
        self.headers = {
            name.lower().decode("latin-1"): value.decode("latin-1") for name, value in headers
        }
        return self.decoded(self._take)

    def decoded(self, feed: Feed) -> Feed:
        """`feed`, behind a decoder if the body has an encoding. The proxy asks for none.

        Raises BadReply for an unknown encoding and for a body that is too long, and DecodingError
        for a body that does not match its encoding.
        """
        header = self.headers.get("content-encoding")
        if not header or not (named := codings(header)):
            return feed
        if len(named) > 1 or not is_known(named[0]):
            what = f"{self._upstream} sent a reply in the encoding {', '.join(named)[:40]!r}, "
            what += "which the proxy does not read. Tell the operator of the proxy."
            raise BadReply(self._upstream, what, cause="encoding")
        inflater = Inflater(named[0])

        def decode(part: bytes) -> Behind:
            try:
                decoded = inflater.inflate(part, self._longest)
            except OverlongError:
                raise self._too_long() from None
            except NotCompressedError as error:
                raise DecodingError("not compressed as it says") from error
            return feed(decoded) if decoded else None

        return decode

    @property
    def body(self) -> bytes:
        return b"".join(self._parts)

    def _take(self, part: bytes) -> None:
        self._parts.append(part)
        self._size += len(part)
        if self._held is not None:
            self._held.add(len(part))
        if self._size > self._longest:
            raise self._too_long()

    def _too_long(self) -> BadReply:
        what = f"{self._upstream} sent a reply that is too long."
        return BadReply(self._upstream, what, cause=TOO_LONG)


class Counting(Receiver, Protocol):
    """A receiver of which the proxy counts the reply."""

    status: int
    """0 until the head of the reply is there."""


@runtime_checkable
class Transport(Protocol):
    """Carries requests: see `PooledTransport.exchange`."""

    async def exchange(self, request: Request, receiver: Receiver, connect_s: float) -> None: ...

    async def aclose(self) -> None: ...


@dataclass(slots=True)
class Endpoint:
    """One upstream's base URL, credentials and connections."""

    name: str
    base_url: str
    key: str = field(repr=False)
    """"" for one that asks for none."""
    transport: Transport
    connect_timeout_s: float
    inflight: InFlight = field(default_factory=InFlight, repr=False)
    """Counts the replies that are kept until they are whole."""
    counted: Counted = field(default=uncounted, repr=False)
    _origin: Origin = field(init=False, repr=False)
    _path: str = field(init=False, repr=False)
    _headers: Headers = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._origin = origin_of(self.base_url)
        self._path = quote(urlsplit(self.base_url).path.rstrip("/"), safe=_IN_PATHS)
        host = _host_of(self._origin)
        self._headers = [
            (b"host", host),
            *([(b"authorization", b"Bearer " + self.key.encode())] if self.key else []),
            (b"accept-encoding", b"identity"),
            (b"user-agent", b"rag-proxy"),
        ]

    async def push(  # noqa: PLR0913 - each is a part of one request
        self,
        method: str,
        path: str,
        receiver: Counting,
        *,
        body: bytes | None = None,
        within_s: float | None = None,
        more: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        """Send a request and push its reply into `receiver`. Raises UpstreamError.

        All of it may take `within_s` seconds. `more` are headers of this request alone.
        """
        headers = [*self._headers, *more] if more else self._headers
        if body is not None:
            length = (b"content-length", b"%d" % len(body))
            headers = [*headers, (b"content-type", b"application/json"), length]
        exchange: Awaitable[None] = self.transport.exchange(
            Request(method, self._origin, self._path + path, headers, body),
            receiver,
            self.connect_timeout_s,
        )
        del body, headers  # a long stream should not hold them
        if within_s is not None:
            exchange = _within(within_s, exchange)
        try:
            await exchange
        except FAULTS as fault:
            raise self._failed(fault, receiver) from fault
        except UpstreamError as error:  # the receiver's
            self._count(receiver, error.cause)
            raise
        except BaseException:  # most of all a cancellation; it was a request all the same
            self._count(receiver, GIVEN_UP)
            raise
        self._count(receiver, "")

    async def request(  # noqa: PLR0913 - as above
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        timeout_s: float,
        within_s: float | None = None,
        more: Sequence[tuple[bytes, bytes]] = (),
    ) -> Reply:
        """The whole reply to a request: see `push` and `Reply`. Raises UpstreamError."""
        with self.inflight.hold() as held:
            reply = Reply(self.name, timeout_s, held=held)
            await self.push(method, path, reply, body=body, within_s=within_s, more=more)
        return reply

    def _failed(self, fault: Exception, receiver: Counting) -> UpstreamError:
        error = translate(fault, self.name)
        if error.cause != NOT_ASKED:
            self._count(receiver, error.cause)
        return error

    def _count(self, receiver: Counting, cause: str) -> None:
        status = receiver.status
        if not cause and status >= HTTPStatus.MULTIPLE_CHOICES:
            cause = f"status_{status}"
        self.counted(self.name, status, cause)

    async def aclose(self) -> None:
        await self.transport.aclose()


async def _within(seconds: float, work: Awaitable[None]) -> None:
    async with asyncio.timeout(seconds):
        await work


def origin_of(base_url: str) -> Origin:
    url = urlsplit(base_url)
    return Origin(url.scheme, url.hostname or "", url.port or _PORTS[url.scheme])


def _host_of(origin: Origin) -> bytes:
    """The host of an origin, as its header tells it (RFC 9110, 7.2)."""
    name = origin.host.rstrip(".")  # the dot at the end of an absolute name is for resolvers only
    host = b"[%b]" % name.encode() if ":" in name else _ascii(name)
    return host if origin.port == _PORTS[origin.scheme] else b"%b:%d" % (host, origin.port)


def _ascii(name: str) -> bytes:
    return name.encode() if name.isascii() else name.encode("idna")


def pooled_transport(
    max_age_s: float = MAX_AGE_S, certificates: ssl.SSLContext | None = None
) -> Transport:
    """A transport with its own connection pool. By default it trusts the system's authorities."""
    return PooledTransport(certificates or ssl.create_default_context(), max_age_s)


def translate(fault: Exception, upstream: str) -> UpstreamError:
    """The HTTP client's exception as one of ours, with its cause."""
    if isinstance(fault, OpenCircuitError):
        return not_asked(upstream, f"The connection to {upstream}", fault)
    cause = cause_of(fault)
    why = f": {cause.phrase}" if cause.phrase else ""
    if cause.is_of_proxy:
        is_late = isinstance(fault.__cause__, TimedOut)
        kind: type[UpstreamError] = UpstreamTimeout if is_late else Unreachable
        what = f"The outbound proxy to {upstream} {cause.phrase}"
    elif isinstance(fault, (TimedOut, TimeoutError)):
        kind = UpstreamTimeout
        what = f"{upstream} did not answer in time{why}"
    elif isinstance(fault, (ConnectError, OutboundProxyError)):
        kind, what = Unreachable, f"{upstream} could not be reached{why}"
    elif isinstance(fault, _UNREADABLE):
        kind, what = BadReply, f"{upstream} sent a reply that cannot be read{why}"
    else:
        kind, what = Unreachable, f"The connection to {upstream} broke{why}"
    error = kind(upstream, f"{what}. {cause.advice}", cause=cause.word, said=cause.said)
    error.is_refused = is_unconnected(fault)
    error.retryable = not is_lasting(cause.word)
    return error
