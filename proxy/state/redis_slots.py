"""The slots of the model that processes share through Redis.

Each process tells Redis how many of its requests run and how many wait, and Redis answers how many
may run. What a process has said holds for a while and is said again in time, so the slots of one
that was killed come free. One that waits asks again a few times a second.

Where all that wait can run, each process gets what it wants. Else those that want more share
equally what the others leave, and whoever has more than its share gives slots back as its requests
end: so none waits because another one is always faster. Within a process, its queue is fair.

A process tells its state, not what has changed. So a message that was lost does no harm, and all
that happens while one is on its way is in the next one.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from proxy.state.redis_store import RedisStore

LEASE_MS: Final = 15_000
_RENEW_S: Final = 5.0
_POLL_S: Final = 0.1

SHARE: Final = """
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local lease_ms, me, limit = tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local running, waiting = tonumber(ARGV[5]), tonumber(ARGV[6])
local used, content, wanting, least = 0, 0, 0, math.huge
local served, earliest = now, math.huge

local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  local said = {}
  for number in string.gmatch(fields[i + 1], '%d+') do table.insert(said, tonumber(number)) end
  local slots, wants, ends, since = unpack(said)
  if fields[i] == me then
    served = since
  elseif ends <= now then
    redis.call('HDEL', KEYS[1], fields[i])
  else
    used = used + slots
    if wants == 0 then
      content = content + slots
    else
      wanting, least = wanting + 1, math.min(least, slots)
      if slots == 0 then earliest = math.min(earliest, since) end
    end
  end
end

local allowed = math.min(running + waiting, math.max(0, limit - used))
if waiting > 0 and wanting > 0 then
  local share = math.floor(math.max(0, limit - content) / (wanting + 1))
  if share == 0 then
    if earliest >= served then share = 1 end
  elseif least >= share then
    share = share + 1
  end
  allowed = math.min(allowed, share)
end

if running + waiting == 0 then
  redis.call('HDEL', KEYS[1], me)
else
  local slots = math.max(allowed, running)
  if allowed > 0 then served = now end
  local said = {slots, running + waiting - slots, now + lease_ms, served}
  for i, number in ipairs(said) do said[i] = string.format('%.0f', number) end
  redis.call('HSET', KEYS[1], me, table.concat(said, ' '))
  redis.call('PEXPIRE', KEYS[1], lease_ms)
end
return {allowed}
"""
"""KEYS: a hash with "slots wants ends_ms served_ms" for each process. ARGV: the time in ms or "",
how long a message holds in ms, the process, the limit, and how many of its requests run and wait.

Returns how many may run. A process with more may let none begin until it has fewer. Where there are
fewer slots than processes, the one that was served last is served again after all others.
"""


class Line(Protocol):
    """The queue of one process."""

    slots: int
    running: int

    @property
    def waiting(self) -> int: ...


class RedisSlots:
    """Sets how many slots `line` has. While Redis is away, it has `own` of them.

    `look` is called after each change, to let those go on that may.
    """

    def __init__(  # noqa: PLR0913 - callers pass few of the last
        self,
        store: RedisStore,
        name: str,
        line: Line,
        look: Callable[[], None],
        *,
        limit: int,
        own: int,
        lease_ms: int = LEASE_MS,
        redis_clock: Callable[[], int] | None = None,
    ) -> None:
        """All processes that share slots have the same `name` for them.

        `redis_clock` gives milliseconds in place of Redis' own clock.
        """
        self._store = store
        self._name = f"slots:{name}"
        self._line = line
        self._look = look
        self._limit, self._own = limit, own
        self._lease_ms = lease_ms
        self._redis_clock = redis_clock
        self._me = secrets.token_hex(8)
        self._has_changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        line.slots = 0

    def take(self, limit: int, own: int) -> None:
        """See `SharedSlots`. Redis is told at the next look, a moment later."""
        self._limit, self._own = limit, own

    def changed(self) -> None:
        """See `SharedSlots`. A task tells Redis, for as long as there is something to tell."""
        self._has_changed.set()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._keep())

    async def tell(self) -> None:
        """Tell Redis how things are, and take what it allows."""
        line = self._line
        line.slots = min(line.slots, line.running)  # no more run than Redis is told
        allowed = await self._share(line.running, line.waiting)
        line.slots = self._own if allowed is None else allowed
        self._look()

    async def aclose(self) -> None:
        """Give all slots back."""
        if (task := self._task) is not None:
            task.cancel()
            await asyncio.wait((task,))
            await self._share(0, 0)

    async def _keep(self) -> None:
        line = self._line
        try:
            while self._has_changed.is_set() or line.running or line.waiting:
                self._has_changed.clear()
                await self.tell()
                if line.running or line.waiting:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_POLL_S if line.waiting else _RENEW_S):
                            await self._has_changed.wait()
        finally:
            self._task = None

    async def _share(self, running: int, waiting: int) -> int | None:
        now: int | str = "" if self._redis_clock is None else self._redis_clock()
        wanted = [self._limit, running, waiting]
        arguments = [now, self._lease_ms, self._me, *wanted]
        reply = await self._store.run_script(SHARE, [self._name], arguments)
        return None if reply is None else reply[0]
