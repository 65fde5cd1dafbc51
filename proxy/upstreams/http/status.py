"""What an upstream's HTTP status means for the client: one table for both upstreams."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from proxy.errors import (
    BadCredentials,
    Overloaded,
    RateLimited,
    Unreachable,
    UpstreamError,
    UpstreamRejected,
    UpstreamTimeout,
)
from proxy.upstreams.http.causes import PROXY_CREDENTIALS, UNAUTHENTICATED
from proxy.upstreams.http.waits import told_wait_s

_REQUEST_AT_FAULT: Final = frozenset({400, 413, 416, 422})
_KEY_AT_FAULT: Final = frozenset({401, 403})
_PASSING: Final = frozenset({429, 503})
"""Statuses that say "later". A client is told when, even if the upstream does not say it."""
_ELSEWHERE: Final = frozenset({301, 302, 303, 307, 308})
_LONGEST_MESSAGE: Final = 2_000
_LONGEST_SAID: Final = 200
_SHORTEST_KEY: Final = 4
"""A shorter text is no key. Removing it from messages would cut words apart."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Vendor:
    """How the errors of an upstream speak of it: its name, and where its credentials are set."""

    name: str
    credentials: str
    """The settings to check when the upstream rejects the proxy's key."""
    retry_after_s: float
    """How long a client should wait after a 429 without Retry-After, in seconds."""
    key: str = field(repr=False)
    """The proxy's own key, which no message may repeat."""
    retry_after_max_s: float = 60
    """The longest wait that clients are told, whatever the upstream says, in seconds."""
    clock: Callable[[], float] = time.time
    """The time of day: an upstream may name a date to wait for."""

    def error(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> UpstreamError:
        """The error for a whole reply with `status`. `message` is the upstream's text, or ""."""
        if status == UNAUTHENTICATED:
            return self._by_proxy()
        headers = headers or {}
        if status in _ELSEWHERE and "location" in headers:
            error = self._redirect(headers["location"])
            error.retryable = False  # it stays until the operator changes a setting
        else:
            error = self._error(status, message, param)
        error.cause = f"status_{status}"
        error.said = _one_line(self.told(message))
        error.told_status = status
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self._note_wait(error, headers)
        return error

    def _note_wait(self, error: UpstreamError, headers: Mapping[str, str]) -> None:
        error.is_refused = True
        wait_s = error.told_wait_s = told_wait_s(error.told_status, headers, self.clock())
        if wait_s is not None:
            error.retry_after_s = min(wait_s, self.retry_after_max_s)
        elif error.told_status in _PASSING:
            error.retry_after_s = self.retry_after_s

    def _by_proxy(self) -> Unreachable:
        """For a proxy on the way that no setting names, such as one that intercepts."""
        cause = PROXY_CREDENTIALS
        what = f"A proxy on the way to {self.name} {cause.phrase}. {cause.advice}"
        error = Unreachable(self.name, what, cause=cause.word, said=cause.said)
        error.retryable = False
        return error

    def _error(self, status: int, message: str, param: str | None) -> UpstreamError:
        said = f": {self.told(message)}" if message else "."
        param = param and self.told(param)
        name = self.name
        if status in _KEY_AT_FAULT:
            return self._bad_credentials(status, said)
        if status in _REQUEST_AT_FAULT:
            return UpstreamRejected(name, f"{name} refused the request{said}", param=param)
        match status:
            case HTTPStatus.TOO_MANY_REQUESTS:
                return RateLimited(name, f"{name}'s quota is used up{said}")
            case HTTPStatus.SERVICE_UNAVAILABLE:
                return Overloaded(name, f"{name} is unavailable at the moment{said}")
            case HTTPStatus.GATEWAY_TIMEOUT:
                return UpstreamTimeout(name, f"{name} timed out{said}")
        return UpstreamError(name, f"{name} failed with HTTP {status}{said}")

    def _redirect(self, location: str) -> UpstreamError:
        """The proxy does not follow a redirect: that would show the key to another host."""
        setting = f"{self.name.lower()}_base_url"
        return UpstreamError(
            self.name,
            f"{self.name} redirects to {self.told(_address(location))}. "
            f"The operator of the proxy must set {setting} to the address that answers.",
        )

    def _bad_credentials(self, status: int, said: str) -> BadCredentials:
        _log.error(
            "%s rejects the proxy's key (HTTP %d)%s Check %s.",
            self.name,
            status,
            said.encode("unicode_escape").decode(),
            self.credentials,
        )
        return BadCredentials(
            self.name,
            f"{self.name} rejected the proxy's own credentials. "
            f"The operator of the proxy must check {self.credentials}.",
        )

    def told(self, message: str) -> str:
        """The upstream's words in a form fit to repeat: short, and without the key."""
        if len(self.key) >= _SHORTEST_KEY:
            message = message.replace(self.key, "[key]")
        return message[:_LONGEST_MESSAGE]


def _one_line(text: str) -> str:
    """`text` for the log: short, and on one line."""
    return " ".join(text.split())[:_LONGEST_SAID]


def _address(location: str) -> str:
    """A redirect's target without its possible secrets: user, password, query, fragment."""
    try:
        parts = urlsplit(location)
    except ValueError:
        return "an address that cannot be read"
    host = parts.netloc.rpartition("@")[2]
    text = urlunsplit((parts.scheme, host, parts.path, "", ""))
    return "".join(filter(str.isprintable, text))
