"""The outbox turns calls that push messages into ASGI's `await send`. Nothing else does."""

from __future__ import annotations

import asyncio
import functools
import types
from collections import deque
from collections.abc import Coroutine, Generator
from typing import Any, Final

from starlette.types import Message, Send

from proxy.core.inflight import Hold, InFlight

_EMPTY: Final[deque[Message]] = deque(maxlen=0)
"""The queue of a client that takes all at once: even an empty one with room has 600 bytes."""
_BUFFERED: Final = 64 * 1024
"""What a server itself holds when its `send` begins to wait, in bytes (uvicorn's flow control)."""


class Outbox:
    """Sends messages in order, each at once unless the client is slow.

    A server's `send` waits only while the client is slow to take what the server has sent. So `put`
    runs `send` in its own context, up to the point where `send` waits. (Up to there, `send` must
    not ask for its task.) A task then finishes that call, and sends the messages put in the
    meantime. From Python 3.12 on an eager task would do the same, but each message would have to
    create one.
    """

    __slots__ = ("_held", "_queue", "_rest", "_send")

    def __init__(self, send: Send, held: Hold | None = None) -> None:
        """`held` counts what waits for a slow client, and gives back what is left at the end."""
        self._send = send
        self._held = InFlight().hold() if held is None else held
        self._queue = _EMPTY
        self._rest: asyncio.Future[None] | None = None
        """Sends what the client has not taken. After a fault it stays: nothing more can be sent."""

    def put(self, message: Message) -> asyncio.Future[None] | None:
        """Send a message. None if that is done; otherwise a future of all messages so far.

        If sending fails, this future and all later ones raise the exception. Cancelling the future
        ends the wait, not the sending.
        """
        if self._rest is not None:
            self._queue.append(message)
            self._held.add(_size(message))
            return self._wait()
        sending: Coroutine[Any, Any, None] = self._send(message)  # type: ignore[assignment]
        try:
            waits_for = sending.send(None)
        except StopIteration:
            return None
        except Exception as fault:  # noqa: BLE001 - raised where the future is awaited
            self._queue = deque()
            self._rest = asyncio.get_running_loop().create_future()
            self._rest.set_exception(fault)
        else:
            self._held.add(_BUFFERED + _size(message))
            self._fall_behind(sending, waits_for, _size(message))
        return self._wait()

    @property
    def is_behind(self) -> bool:
        """Whether the client has messages left to take. It stays so if sending fails."""
        return self._rest is not None

    async def flush(self) -> None:
        """Wait until everything is sent. Raises the exception of a send that failed."""
        if self._rest is not None:
            await self._wait()

    async def aclose(self) -> None:
        """Drop the messages that are not sent yet."""
        if self._rest is not None:
            self._rest.cancel()
            await asyncio.wait((self._rest,))

    def _wait(self) -> asyncio.Future[None]:
        assert self._rest is not None  # noqa: S101
        waiting = asyncio.get_running_loop().create_future()
        self._rest.add_done_callback(functools.partial(_tell, waiting))
        return waiting

    def _fall_behind(
        self, sending: Coroutine[Any, Any, None], waits_for: asyncio.Future[Any] | None, size: int
    ) -> None:
        self._queue = deque()
        rest = self._send_rest(sending, waits_for, size)
        self._rest = asyncio.get_running_loop().create_task(rest)
        self._rest.add_done_callback(lambda _: sending.close())  # a cancelled task may never start

    async def _send_rest(
        self, sending: Coroutine[Any, Any, None], waits_for: asyncio.Future[Any] | None, size: int
    ) -> None:
        if waits_for is not None:  # None is what `asyncio.sleep(0)` yields
            await asyncio.wait((waits_for,))
        await _rest_of(sending)
        self._held.free(size)
        while self._queue:
            message = self._queue.popleft()
            await self._send(message)
            self._held.free(_size(message))
        self._held.free(_BUFFERED)
        self._rest = None


def _size(message: Message) -> int:
    return len(message.get("body", b""))


@types.coroutine
def _rest_of(begun: Coroutine[Any, Any, None]) -> Generator[Any, Any, None]:
    """The rest of a coroutine. Awaiting the coroutine itself would fail, because it has begun."""
    yield from begun.__await__()


def _tell(waiting: asyncio.Future[None], rest: asyncio.Future[None]) -> None:
    """Pass the outcome on, as `asyncio.shield` does, but without logging a fault nobody awaits.

    The next `put` raises it.
    """
    fault = None if rest.cancelled() else rest.exception()
    if waiting.done():
        return  # the waiter has gone
    if rest.cancelled():
        waiting.cancel()
    elif fault is not None:
        waiting.set_exception(fault)
        waiting.exception()  # tell asyncio that the fault is handled
    else:
        waiting.set_result(None)
