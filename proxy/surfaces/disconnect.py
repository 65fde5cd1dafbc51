"""The client's end of a request: the proxy reads its body, and notices when it hangs up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, cast

from starlette.types import Receive

from proxy.errors import PayloadTooLarge, RequestTimeout
from proxy.tasks import TaskScope


class ClientGoneError(Exception):
    """The client hung up, so no reply can reach it."""


async def read_body(
    receive: Receive,
    declared: str | None,
    limit: int,
    timeout_s: float,
    take: Callable[[int], None] = lambda _: None,
) -> bytes:
    """The whole request body. `declared` is its Content-Length header.

    `take` is told the size of each part before it is kept, and may raise.

    Raises PayloadTooLarge as soon as the client announces or sends more than `limit` bytes,
    RequestTimeout if nothing arrives for `timeout_s` seconds, and ClientGoneError.
    """
    if declared is not None and declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit)
    clock = asyncio.get_running_loop().time
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(timeout_s) as patience:
            take(0)
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGoneError
                part = message.get("body", b"")
                size += len(part)
                if size > limit:
                    raise _too_large(limit)
                take(len(part))
                parts.append(part)
                if not message.get("more_body", False):
                    return b"".join(parts)
                patience.reschedule(clock() + timeout_s)
    except TimeoutError:
        raise RequestTimeout(
            f"No more of the request body arrived for {timeout_s:g} seconds. Send it again."
        ) from None


async def while_connected(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Run `work` to its end, in this task, as `asyncio.timeout` does.

    If the client hangs up first, cancel `work` and raise ClientGoneError.
    """
    task = cast("asyncio.Task[None]", asyncio.current_task())
    is_gone = is_over = False

    def leave(_: asyncio.Task[None]) -> None:
        nonlocal is_gone
        if not is_over:
            is_gone = True
            task.cancel()

    async with TaskScope() as tasks:
        tasks.start(_hang_up(receive)).add_done_callback(leave)
        try:
            await work
        except asyncio.CancelledError:
            if is_gone and not task.uncancel():
                raise ClientGoneError from None
            raise
        finally:
            is_over = True


async def _hang_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(
        f"The request body is larger than {limit} bytes. Send less, or raise max_body_bytes."
    )
