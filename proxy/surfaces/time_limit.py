"""The time for all of one answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from proxy.errors import AnswerTimeout


async def in_time(work: Awaitable[None], until: float, limit_s: float) -> None:
    """Do `work` until a time of the event loop, and then cancel it. Raises AnswerTimeout.

    `limit_s` is how many seconds that was, for the message.
    """
    limit = asyncio.timeout_at(until)
    try:
        async with limit:
            await work
    except TimeoutError:
        if not limit.expired():
            raise
        raise AnswerTimeout(
            f"The answer was not complete after {limit_s:g} seconds. Ask for less, or for a "
            "shorter answer."
        ) from None
