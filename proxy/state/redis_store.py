"""The store in Redis or Valkey. The only file that knows redis-py.

A command that its client or the time limit cancels costs its connection: redis-py closes it,
because otherwise the next command would read the reply. The one time limit here cancels. redis-py's
own limits are off: they apply to each of its steps, and use asyncio.wait_for, which may lose a
cancellation (python/cpython issue 86296).
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, TypeVar
from urllib.parse import urlsplit

from redis import exceptions as redis_errors
from redis.asyncio import ConnectionPool, Redis

T = TypeVar("T")

PREFIX: Final = "rag-proxy:"

_CONNECTIONS: Final = 20
_PROBE_TTL_S: Final = 10.0
_ERRORS: Final = (redis_errors.RedisError, OSError, ValueError)
"""TimeoutError is an OSError. redis-py raises ValueError for some malformed replies."""

_REASONS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (TimeoutError, "it does not answer in time"),
    (redis_errors.AuthenticationError, "it rejects the user or password, or asks for one"),
    (redis_errors.BusyLoadingError, "it is still loading its data"),
    (redis_errors.OutOfMemoryError, "it is full; its maxmemory-policy should be allkeys-lru"),
    (redis_errors.ReadOnlyError, "it is a replica, which takes no writes"),
    (redis_errors.NoPermissionError, f"the user needs GET, GETEX and SET on {PREFIX}*"),
    (redis_errors.MovedError, "it is a cluster, which is not supported"),
    (redis_errors.ResponseError, "it is neither Redis 6.2 or later nor Valkey"),
    (ConnectionRefusedError, "nothing listens there"),
    (FileNotFoundError, "there is no such socket or certificate file"),
    (socket.gaierror, "its name does not resolve"),
    (ssl.SSLError, "TLS fails; is its certificate trusted?"),
)
"""The first match is reported. Redis' own words are not: they may hold a password or a value."""

_log = logging.getLogger(__name__)


class RedisFailed(Exception):
    """Redis did not carry out an operation. The message says why and holds no secret.

    - RedisFailed: it is unreachable or unavailable
      - RedisRefused: it answers, but refuses this operation
    """


class RedisRefused(RedisFailed): ...


class RedisStore:
    """The entries of Redis under `rag-proxy:*`.

    No operation takes longer than `timeout_s`. After one without an answer, the store leaves Redis
    alone for `quiet_s` seconds of `clock`; then one operation at a time tries it, until it is back.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 1.0,
        quiet_s: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        parts = urlsplit(url)
        self.address = parts.netloc.rpartition("@")[2] or parts.path
        """Where Redis is, without the password."""
        self._timeout_s = timeout_s
        self._quiet_s = quiet_s
        self._clock = clock
        self._quiet_until = float("-inf")
        self._inabilities: set[str] = set()
        """Those of "answer", "read" and "write" that the log says Redis cannot do."""
        self._slots = asyncio.Semaphore(_CONNECTIONS)
        pool = ConnectionPool.from_url(
            url, protocol=2, socket_timeout=None, socket_connect_timeout=None
        )
        self._redis = Redis(connection_pool=pool)

    async def read(self, names: Sequence[str], *, renew_s: float | None = None) -> dict[str, bytes]:
        if not names or not self._may_ask():
            return {}
        return await self._tolerate("read", self._get(names, renew_s)) or {}

    async def write(self, name: str, value: bytes, ttl_s: float) -> None:
        if self._may_ask():
            await self._tolerate("write", self._set(name, value, ttl_s))

    async def write_once(
        self, name: str, value: bytes, ttl_s: float, settle: Callable[[bytes], bytes]
    ) -> None:
        if self._may_ask():
            await self._tolerate("write", self._set_once(name, value, ttl_s, settle))

    async def prove(self) -> None:
        """Keep a value and read it back. Raises RedisFailed."""
        name, value = f"check:{secrets.token_hex(8)}", secrets.token_bytes(16)
        await self._set(name, value, _PROBE_TTL_S)
        if await self._get([name], _PROBE_TTL_S) != {name: value}:
            raise RedisRefused("it does not return the value that was written")

    async def aclose(self) -> None:
        with suppress(*_ERRORS):
            async with asyncio.timeout(self._timeout_s):
                await self._redis.connection_pool.aclose()

    async def _get(self, names: Sequence[str], renew_s: float | None) -> dict[str, bytes]:
        async with self._asking(), self._redis.pipeline(transaction=False) as pipeline:
            for key in [PREFIX + name for name in names]:
                if renew_s is None:
                    _ = pipeline.get(key)
                else:
                    _ = pipeline.getex(key, px=_milliseconds(renew_s))
            values = await pipeline.execute(raise_on_error=False)
            found = dict(zip(names, values, strict=True))
            if faults := [each for each in values if isinstance(each, Exception)]:
                _judge(faults)
            return {name: value for name, value in found.items() if isinstance(value, bytes)}

    async def _set(self, name: str, value: bytes, ttl_s: float) -> None:
        async with self._asking():
            await self._redis.set(PREFIX + name, value, px=_milliseconds(ttl_s))

    async def _set_once(
        self, name: str, value: bytes, ttl_s: float, settle: Callable[[bytes], bytes]
    ) -> None:
        """Of two writers, the one that loses sees the other's value, in whatever order."""
        key, px = PREFIX + name, _milliseconds(ttl_s)
        async with self._asking():
            async with self._redis.pipeline(transaction=False) as pipeline:
                _ = pipeline.set(key, value, px=px, nx=True)
                _ = pipeline.getex(key, px=px)
                replies = await pipeline.execute(raise_on_error=False)
            _judge([each for each in replies if isinstance(each, Exception)])
            there = replies[-1]
            settled = settle(there) if isinstance(there, bytes) and there != value else value
            if settled != there:
                await self._redis.set(key, settled, px=px)

    def _may_ask(self) -> bool:
        """Whether to ask Redis now. While it does not answer: once in `quiet_s`."""
        now = self._clock()
        if now < self._quiet_until:
            return False
        if "answer" in self._inabilities:
            self._quiet_until = now + self._quiet_s
        return True

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[None]:
        """Limit an operation and translate its errors. Raises RedisFailed."""
        try:
            async with asyncio.timeout(self._timeout_s), self._slots:
                yield
        except redis_errors.ResponseError as error:
            raise RedisRefused(_reason(error)) from error
        except _ERRORS as error:
            raise RedisFailed(_reason(error)) from error

    async def _tolerate(self, operation: str, work: Awaitable[T]) -> T | None:
        """Run `work`. Log a failure once and return None, as if nothing were stored."""
        try:
            done = await work
        except RedisRefused as error:
            self._heard()
            self._cannot(operation, error)
        except RedisFailed as error:
            self._quiet_until = self._clock() + self._quiet_s
            self._cannot("answer", error)
        else:
            self._heard()
            self._can(operation)
            return done
        return None

    def _heard(self) -> None:
        self._quiet_until = float("-inf")
        self._can("answer")

    def _cannot(self, what: str, error: RedisFailed) -> None:
        if what not in self._inabilities:
            self._inabilities.add(what)
            _log.warning("Redis at %s cannot %s: %s", self.address, what, error)

    def _can(self, what: str) -> None:
        if what in self._inabilities:
            self._inabilities.remove(what)
            _log.info("Redis at %s can %s again", self.address, what)


def _judge(faults: Sequence[Exception]) -> None:
    """Raise the first fault that is not about one name alone.

    If a name holds another type, the proxy did not write it; the other names count.
    """
    for fault in faults:
        if not str(fault).startswith("WRONGTYPE"):
            raise fault


def _milliseconds(seconds: float) -> int:
    """Redis takes whole milliseconds, at least 1."""
    return max(1, round(seconds * 1000))


def _reason(error: BaseException) -> str:
    """Why an operation failed. redis-py's ConnectionError often stands for another error."""
    cause = error.__cause__ or error.__context__
    if type(error) is redis_errors.ConnectionError and isinstance(cause, _ERRORS):
        error = cause
    said = str(error)
    if said.startswith("DB index"):
        return "it has no database of that number"
    code = said.partition(" ")[0]
    if type(error) is redis_errors.ResponseError and code.isalpha() and code.isupper():
        return f"it says {code}"
    return next((words for kind, words in _REASONS if isinstance(error, kind)), "no connection")
