"""The store in Redis or Valkey. The only file that knows redis-py.

If a client or a time limit cancels a command, redis-py closes the connection, because otherwise the
next command would read the reply. The store has one time limit, and it cancels. redis-py's own
limits are off: they apply to each of its steps, and they use asyncio.wait_for, which may lose a
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
from hashlib import sha1
from typing import Final, TypeVar
from urllib.parse import urlsplit

from redis import exceptions as redis_errors
from redis.asyncio import ConnectionPool, Redis

from proxy.state.memory_store import MemoryStore

T = TypeVar("T")

PREFIX: Final = "rag-proxy:"

_CONNECTIONS: Final = 20
_PROBE_TTL_S: Final = 10.0
_OWN_COUNTS_BYTES: Final = 1_000_000
"""The most memory that this process's own counts may take while Redis is away."""
_ERRORS: Final = (redis_errors.RedisError, OSError, ValueError)
"""TimeoutError is an OSError. redis-py raises ValueError for some malformed replies."""

_NEEDED: Final = (
    f"the user needs GET, GETEX, INCRBY and SET on {PREFIX}*, and for limits the commands that the "
    "manual lists"
)
_REASONS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (TimeoutError, "it does not answer in time"),
    (redis_errors.AuthenticationError, "it rejects the user or password, or asks for one"),
    (redis_errors.BusyLoadingError, "it is still loading its data"),
    (redis_errors.OutOfMemoryError, "it is full; its maxmemory-policy should be volatile-ttl"),
    (redis_errors.ReadOnlyError, "it is a replica, which takes no writes"),
    (redis_errors.NoPermissionError, _NEEDED),
    (redis_errors.MovedError, "it is a cluster, which is not supported"),
    (redis_errors.ResponseError, "it is neither Redis 6.2 or later nor Valkey"),
    (ConnectionRefusedError, "nothing listens there"),
    (FileNotFoundError, "there is no such socket or certificate file"),
    (socket.gaierror, "its name does not resolve"),
    (ssl.SSLError, "TLS fails; is its certificate trusted?"),
)
"""The proxy reports the first match. It hides Redis's own words: they may hold a secret."""

_log = logging.getLogger(__name__)


class RedisFailed(Exception):
    """Redis did not carry out an operation. The message says why and holds no secret.

    - RedisFailed: it is unreachable or unavailable
      - RedisRefused: it answers, but refuses this operation
    """


class RedisRefused(RedisFailed): ...


class RedisStore:
    """The entries of Redis under `rag-proxy:*`.

    No operation takes longer than `timeout_s`. If Redis does not answer one, the store leaves it
    alone for `quiet_s` seconds of `clock`. Then one operation at a time tries it, until Redis is
    back.
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
        """The log says that Redis cannot do these. Words like "answer" and "read"."""
        self._own_counts = MemoryStore(_OWN_COUNTS_BYTES)
        self._slots = asyncio.Semaphore(_CONNECTIONS)
        pool = ConnectionPool.from_url(
            url, protocol=2, socket_timeout=None, socket_connect_timeout=None
        )
        self._redis = Redis(connection_pool=pool)

    async def read(self, names: Sequence[str], *, renew_s: float | None = None) -> dict[str, bytes]:
        return await self.find(names, renew_s=renew_s) or {}

    async def find(
        self, names: Sequence[str], *, renew_s: float | None = None
    ) -> dict[str, bytes] | None:
        if not names:
            return {}
        if not self._may_ask():
            return None
        return await self._tolerate("read", self._get(names, renew_s))

    async def write(self, name: str, value: bytes, ttl_s: float) -> None:
        if self._may_ask():
            await self._tolerate("write", self._set(name, value, ttl_s))

    async def write_once(
        self, name: str, value: bytes, ttl_s: float, settle: Callable[[bytes], bytes]
    ) -> None:
        if self._may_ask():
            await self._tolerate("write", self._set_once(name, value, ttl_s, settle))

    async def count(self, name: str, by: int, ttl_s: float) -> int:
        """See `Store.count`. If Redis is late, one call may count both here and there."""
        if self._may_ask():
            total = await self._tolerate("count", self._add(name, by, ttl_s))
            if total is not None:
                return total
        return await self._own_counts.count(name, by, ttl_s)

    async def run_script(
        self, script: str, names: Sequence[str], arguments: Sequence[int | str]
    ) -> list[int] | None:
        """Run a script of Redis' language. None if Redis does not, or not in time."""
        if not self._may_ask():
            return None
        return await self._tolerate("limit", self._run(script, names, arguments))

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
        """If two writers meet, the one that loses sees the other's value, in whatever order."""
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

    async def _add(self, name: str, by: int, ttl_s: float) -> int:
        """SET begins the count, with its end, if there is none. INCRBY keeps the end.

        Between the two the count may expire, and then INCRBY begins one without an end. Such a
        count equals `by`, and GETEX gives it an end. (EXPIRE knows NX only from Redis 7.0 on.)
        """
        key, px = PREFIX + name, _milliseconds(ttl_s)
        async with self._asking():
            async with self._redis.pipeline(transaction=False) as pipeline:
                _ = pipeline.set(key, 0, px=px, nx=True)
                _ = pipeline.incrby(key, by)
                replies = await pipeline.execute(raise_on_error=False)
            if faults := [each for each in replies if isinstance(each, Exception)]:
                raise faults[0]
            has_begun, total = replies
            if not isinstance(total, int):
                raise RedisRefused("it does not count")
            if not has_begun and total == by:
                await self._redis.getex(key, px=px)
            return total

    async def _run(
        self, script: str, names: Sequence[str], arguments: Sequence[int | str]
    ) -> list[int]:
        """Redis knows a script by its hash, until it starts anew."""
        keys = [PREFIX + name for name in names]
        async with self._asking():
            try:
                known = sha1(script.encode(), usedforsecurity=False).hexdigest()
                reply: object = await self._redis.evalsha(known, len(keys), *keys, *arguments)
            except redis_errors.NoScriptError:
                reply = await self._redis.eval(script, len(keys), *keys, *arguments)
            if not isinstance(reply, list):
                raise RedisRefused("it does not run scripts")
            return reply

    def _may_ask(self) -> bool:
        """Whether to ask Redis now. While Redis does not answer, that is once in `quiet_s`."""
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
    """Raise the first fault that is about more than one name.

    If a name holds another type, the proxy did not write it, and its other names still count.
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
    if "ACL failure in script" in said:
        return _NEEDED
    code = said.partition(" ")[0]
    if type(error) is redis_errors.ResponseError and code.isalpha() and code.isupper():
        return f"it says {code}"
    return next((words for kind, words in _REASONS if isinstance(error, kind)), "no connection")
