"""The outbox: the one place where what is pushed meets ASGI's `await send`."""

from __future__ import annotations

import asyncio
import functools
import types
from collections import deque
from collections.abc import Coroutine, Generator
from typing import Any

from starlette.types import Message, Send


class Outbox:
    """Sends messages in their order, each at once unless the client is slow.

    A server's `send` waits only while the client has not taken what it was sent. So it is run up to
    where it waits, in the context of whoever puts; it must not ask for its task there. What is left
    of it, and what is put meanwhile, is sent by a task. (From Python 3.12 on that is what an eager
    task does, but each message would have to make one.)
    """

    __slots__ = ("_queue", "_rest", "_send")

    def __init__(self, send: Send) -> None:
        self._send = send
        self._queue: deque[Message] = deque()
        self._rest: asyncio.Future[None] | None = None
        """The sending of what the client has not taken. One that failed stays: it is the last."""

    def put(self, message: Message) -> asyncio.Future[None] | None:
        """Send a message. None if it is sent; else a future that is done when all are.

        What sending raises is raised by that future, and by all that are given out later. To cancel
        the future ends the waiting, not the sending.
        """
        if self._rest is not None:
            self._queue.append(message)
            return self._wait()
        sending: Coroutine[Any, Any, None] = self._send(message)  # type: ignore[assignment]
        try:
            waits_for = sending.send(None)
        except StopIteration:
            return None
        except Exception as fault:  # noqa: BLE001 - raised where the future is awaited
            self._rest = asyncio.get_running_loop().create_future()
            self._rest.set_exception(fault)
        else:
            self._fall_behind(sending, waits_for)
        return self._wait()

    @property
    def is_behind(self) -> bool:
        """Whether there is something that the client has not taken, or never will."""
        return self._rest is not None

    async def flush(self) -> None:
        """Return when everything is sent. Raises what sending raised."""
        if self._rest is not None:
            await self._wait()

    async def aclose(self) -> None:
        """Give up what is not sent."""
        if self._rest is not None:
            self._rest.cancel()
            await asyncio.wait((self._rest,))

    def _wait(self) -> asyncio.Future[None]:
        assert self._rest is not None  # noqa: S101
        waiting = asyncio.get_running_loop().create_future()
        self._rest.add_done_callback(functools.partial(_tell, waiting))
        return waiting

    def _fall_behind(
        self, sending: Coroutine[Any, Any, None], waits_for: asyncio.Future[Any] | None
    ) -> None:
        rest = self._send_rest(sending, waits_for)
        self._rest = asyncio.get_running_loop().create_task(rest)
        self._rest.add_done_callback(lambda _: sending.close())  # a task may end without its work

    async def _send_rest(
        self, sending: Coroutine[Any, Any, None], waits_for: asyncio.Future[Any] | None
    ) -> None:
        if waits_for is not None:  # as it is after `asyncio.sleep(0)`
            await asyncio.wait((waits_for,))
        await _rest_of(sending)
        while self._queue:
            await self._send(self._queue.popleft())
        self._rest = None


@types.coroutine
def _rest_of(begun: Coroutine[Any, Any, None]) -> Generator[Any, Any, None]:
    """What is left of a coroutine; it could not be awaited itself, as that has begun."""
    yield from begun.__await__()


def _tell(waiting: asyncio.Future[None], rest: asyncio.Future[None]) -> None:
    """Pass the end on, as `asyncio.shield` does.

    That may log a fault for which nobody waits; here whatever is put next raises it.
    """
    fault = None if rest.cancelled() else rest.exception()
    if waiting.done():
        return  # nobody waits any more
    if rest.cancelled():
        waiting.cancel()
    elif fault is not None:
        waiting.set_exception(fault)
        waiting.exception()  # so that asyncio takes it for heard
    else:
        waiting.set_result(None)
