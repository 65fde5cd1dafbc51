"""Why a request to an upstream failed: a table from exceptions to words for people.

Each row has a word for the log and a phrase for the client. Neither repeats the exception's text,
which may name addresses, or the credentials of an outbound proxy. If an outbound proxy fails, the
word begins with `proxy_`.
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
import string
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Final, NamedTuple

from proxy.upstreams.http.faults import (
    ConnectError,
    ConnectTimeout,
    DecodingError,
    NotHTTPReplyError,
    OutboundProxyError,
    TimedOut,
)

_OPERATOR: Final = "Tell the operator of the proxy."
_LATER: Final = "Try again later."


NOT_JSON: Final = "not_json"
SHAPE: Final = "unknown_shape"
TOO_LONG: Final = "too_long"
"""What may be wrong with a whole reply."""
SILENT: Final = "read_timeout"
IDLE: Final = "round_idle"
"""A reply that did not go on in time: with bytes, or with a word of an answer."""


class Cause(NamedTuple):
    """Why a request did not get its reply."""

    word: str
    """For the log line: letters and underscores."""
    phrase: str
    """For the client, which should learn no more than this; "" if the cause is unknown."""
    advice: str = _LATER
    said: str = ""
    """The status that an outbound proxy gave as its reason."""

    @property
    def is_of_proxy(self) -> bool:
        """Whether an outbound proxy failed. Then the phrase is what that proxy did."""
        return self.word.partition("_")[0] == "proxy"


UNKNOWN: Final = Cause("", "")
_NOT_CONNECTED: Final = Cause("connect_timeout", "there was no connection")
_SILENT: Final = Cause(SILENT, "")
_NO_DESCRIPTORS: Final = Cause("no_descriptors", "the proxy has no file descriptor left", _OPERATOR)

UNAUTHENTICATED: Final = HTTPStatus.PROXY_AUTHENTICATION_REQUIRED
PROXY_CREDENTIALS: Final = Cause(
    "proxy_credentials", "wants credentials", _OPERATOR, f"HTTP {UNAUTHENTICATED}"
)
"""Only proxies send 407 (RFC 9110, 15.5.8), even if it seems to come from the upstream."""


def cause_of(fault: BaseException) -> Cause:
    """The first row of the table that fits `fault` or one of its causes; UNKNOWN if none fits."""
    for each in _chain(fault):
        if isinstance(each, OutboundProxyError):
            return _of_proxy(each)
        if cause := _row(each):
            return cause
    return UNKNOWN


def is_lasting(word: str) -> bool:
    """Whether the cause with this word stays until somebody mends it, so that no retry helps."""
    return word.removeprefix("proxy_").startswith(("tls", "credentials"))


def is_unconnected(fault: BaseException) -> bool:
    """Whether there was no connection: the upstream knows nothing of the request."""
    return isinstance(fault, _UNCONNECTED)


def is_ours(fault: BaseException) -> bool:
    """Whether this machine is at fault, and no host is."""
    return cause_of(fault) is _NO_DESCRIPTORS


def _row(fault: BaseException) -> Cause | None:
    return next((cause for fits, cause in _TABLE if fits(fault)), None)


def _of_proxy(fault: OutboundProxyError) -> Cause:
    """Why an outbound proxy failed: the status that it sent, or the cause of the fault."""
    status = str(fault)[:3]
    if status == str(UNAUTHENTICATED):
        return PROXY_CREDENTIALS
    if len(status) == len("502") and set(status) <= set(string.digits):
        return Cause("proxy", "refused", _OPERATOR, f"HTTP {status}")
    cause = next(filter(None, map(_row, _chain(fault))), None)
    if cause is None:
        return Cause("proxy", "could not be used", _OPERATOR)
    if cause is _NO_DESCRIPTORS:  # the proxy is not to blame for that
        return cause
    return Cause(f"proxy_{cause.word}", f"could not be used: {cause.phrase}", cause.advice)


def _chain(fault: BaseException | None) -> Iterator[BaseException]:
    """`fault`, its cause, the cause of that, and so on. No exception comes twice."""
    seen: set[int] = set()
    while fault is not None and id(fault) not in seen:
        seen.add(id(fault))
        yield fault
        fault = fault.__cause__ or fault.__context__


_UNCONNECTED: Final = (
    ConnectError,
    ConnectTimeout,
    OutboundProxyError,
)
Fits = Callable[[BaseException], bool]


def _is(*types: type[BaseException]) -> Fits:
    return lambda fault: isinstance(fault, types)


def _certificate(*codes: int) -> Fits:
    """OpenSSL's reasons to refuse a certificate (X509_V_ERR_…, `openssl verify`)."""
    return lambda fault: (
        isinstance(fault, ssl.SSLCertVerificationError) and fault.verify_code in codes
    )


def _os(*numbers: int) -> Fits:
    return lambda fault: isinstance(fault, OSError) and not _errnos(fault).isdisjoint(numbers)


def _errnos(fault: OSError) -> set[int]:
    """The numbers of an OSError. Several addresses may each have failed in its own way.

    aiohappyeyeballs then gives the numbers only in its text.
    """
    if isinstance(fault, (socket.gaierror, ssl.SSLError)):
        return set()
    if fault.errno is not None:
        return {fault.errno}
    return {int(number) for number in re.findall(r"\[Errno (\d+)\]", str(fault))}


def _is_end(fault: BaseException) -> bool:
    """A connection that the peer closed in good order. The transport gives no number for that."""
    return isinstance(fault, ConnectionError) and not _errnos(fault)


_TABLE: Final[tuple[tuple[Fits, Cause], ...]] = (
    (_is(ConnectTimeout), _NOT_CONNECTED),
    (_is(TimedOut), _SILENT),
    (
        _certificate(18, 19, 20, 21),
        Cause("tls_unknown_ca", "its certificate is not from a known authority", _OPERATOR),
    ),
    (_certificate(62, 64), Cause("tls_host_name", "its certificate names another host", _OPERATOR)),
    (_certificate(10), Cause("tls_expired", "its certificate has expired", _OPERATOR)),
    (_certificate(9), Cause("tls_not_yet_valid", "its certificate is not valid yet", _OPERATOR)),
    (
        _is(ssl.SSLCertVerificationError),
        Cause("tls_certificate", "its certificate was not accepted", _OPERATOR),
    ),
    (_is(ssl.SSLEOFError, ssl.SSLZeroReturnError), Cause("closed", "the connection was closed")),
    (_is(ssl.SSLError), Cause("tls", "no TLS connection could be made", _OPERATOR)),
    (_os(errno.EMFILE, errno.ENFILE), _NO_DESCRIPTORS),
    (
        _is(socket.gaierror, UnicodeError),
        Cause("dns", "its host name does not resolve", _OPERATOR),
    ),
    (_os(errno.ECONNREFUSED), Cause("refused", "the connection was refused")),
    (
        _os(errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE),
        Cause("reset", "the connection was reset"),
    ),
    (_os(errno.ETIMEDOUT), _NOT_CONNECTED),
    (
        _os(errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL),
        Cause("no_route", "there is no route to it"),
    ),
    (_is_end, Cause("closed", "the connection was closed")),
    (_is(DecodingError), Cause("encoding", "its body does not match its content-encoding")),
    (_is(NotHTTPReplyError), Cause("not_http", "it is not HTTP")),
    (_is(TimeoutError), _SILENT),
)
"""Rows from the special to the general."""
