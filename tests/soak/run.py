"""One soak: a quiet key alone, then beside a crowd, then a thousand streams with faults.

All of it is bounded: by the number of streams, by the patience of each client, and by the time
after which no new stream begins.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.soak.client import Heard, ask
from tests.soak.judge import Verdict, judge
from tests.soak.measures import Measures, kept
from tests.soak.plans import Plan, draw, plain
from tests.soak.process import LOUD, QUIET, Soaked, soaked
from tests.soak.upstream import SoakUpstream
from tests.upstreams.raw_server import raw_server

PATIENCE_S: Final = 90.0
"""How long a client waits. The queue, a stalled upstream and its retries take a third of it."""
_ALONE: Final = 10
_OF_QUIET: Final = 500_000
"""Numbers of the quiet key's streams begin here, and those of the crowd further on. None of them
meets a fault."""
_OF_CROWD: Final = 600_000
_TIMES_SLOWER: Final = 2.0
_HEADSTART_S: Final = 0.2
_ENDS_WELL: Final = (0, -signal.SIGTERM)
"""The server ends by the signal itself once it has cleaned up."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much there is to do."""

    streams: int = 1_000
    at_once: int = 60
    crowd: int = 150
    slots: int = 20
    seconds: float = 600.0
    idle_s: float | None = None
    """When the upstreams close a connection that is not used; None: the proxy's pool does so."""


@dataclass(slots=True)
class Outcome:
    """What came of a soak. `wrong` says what must not be: if it is empty, all is well."""

    ended: dict[str, Counter[str]] = field(default_factory=dict)
    """By phase, how its streams ended."""
    faults: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    slowest: dict[str, float] = field(default_factory=dict)
    """By phase, how long the quiet key's slowest answer took."""
    measures: dict[str, Measures] = field(default_factory=dict)
    most_at_once: int = 0
    over_quota: int = 0
    skipped: int = 0
    """Streams that did not begin before the time was up."""
    wrong: list[str] = field(default_factory=list)

    def note(self, phase: str, plan: Plan, verdict: Verdict) -> None:
        self.ended.setdefault(phase, Counter())[verdict.outcome] += 1
        self.retries += verdict.retries
        self.wrong += [f"stream {plan.number} ({phase}): {each}" for each in verdict.wrong]


async def soak(seed: int, bounds: Bounds, only: Sequence[int] = ()) -> Outcome:
    """Run it all. `only` are the numbers of the streams with faults, if it is not all of them."""
    upstream, outcome = SoakUpstream(bounds.idle_s), Outcome()
    async with raw_server(upstream.serve) as server:
        with soaked(server.url, bounds.slots) as proxy:
            run = _Run(seed, bounds, upstream, proxy, outcome)
            await run.all(only)
            code, log = await asyncio.to_thread(proxy.end)
    if code not in _ENDS_WELL:
        outcome.wrong.append(f"the proxy ended with {code}")
    outcome.wrong += [f"in the log: {line}" for line in log.splitlines() if "Traceback" in line]
    outcome.wrong += upstream.wrong
    outcome.faults = upstream.faults
    return outcome


@dataclass(frozen=True, slots=True)
class _Run:
    seed: int
    bounds: Bounds
    upstream: SoakUpstream
    proxy: Soaked
    outcome: Outcome
    heard: list[tuple[str, Plan, Heard]] = field(default_factory=list)
    """What is not judged yet."""

    async def all(self, only: Sequence[int]) -> None:
        measures = self.outcome.measures
        await self._stream("first", LOUD, plain(self.seed, _OF_CROWD - 1))
        fresh = await self.proxy.settled(await self.proxy.measures())
        await self._alone()
        await self._beside_a_crowd()
        self._judge()
        self._judge_crowd()
        measures["before"] = before = await self.proxy.settled(fresh)
        await self._with_faults(only)
        self._judge()
        measures["at the end"] = await self.proxy.measures()
        measures["after"] = after = await self.proxy.settled(before)
        self.outcome.wrong += [f"not given back: {each}" for each in kept(before, after)]

    async def _stream(self, phase: str, key: str, plan: Plan) -> Heard:
        self.upstream.plans[plan.mark] = plan
        heard = await ask(self.proxy.port, key, plan, PATIENCE_S)
        self.heard.append((phase, plan, heard))
        return heard

    def _judge(self) -> None:
        """Judge what was heard since the last time.

        It takes a while, in which the upstreams here would be silent: so it waits until all is
        quiet.
        """
        for phase, plan, heard in self.heard:
            self.outcome.note(phase, plan, judge(plan, heard))
        self.heard.clear()

    async def _quiet(self, phase: str, numbers: Iterable[int], is_over: Callable[[], bool]) -> None:
        """The quiet key asks one thing after the other."""
        slowest = self.outcome.slowest
        for number in numbers:
            if is_over():
                break
            heard = await self._stream(phase, QUIET, plain(self.seed, _OF_QUIET + number))
            slowest[phase] = max(slowest.get(phase, 0.0), heard.took_s)

    async def _alone(self) -> None:
        await self._quiet("alone", range(_ALONE), lambda: False)

    async def _beside_a_crowd(self) -> None:
        """All of the crowd asks at once, and the model has slots for few of them."""
        self.upstream.slots = self.bounds.slots
        crowd = [
            asyncio.create_task(self._stream("crowd", LOUD, plain(self.seed, _OF_CROWD + number)))
            for number in range(self.bounds.crowd)
        ]
        await asyncio.sleep(_HEADSTART_S)
        over = range(_ALONE, _OF_CROWD - _OF_QUIET)
        await self._quiet("beside the crowd", over, lambda: all(each.done() for each in crowd))
        await asyncio.gather(*crowd)
        self.outcome.most_at_once = self.upstream.most_at_once
        self.outcome.over_quota = self.upstream.over_quota
        self.upstream.slots = None

    def _judge_crowd(self) -> None:
        outcome = self.outcome
        for phase in ("crowd", "beside the crowd"):
            refused = outcome.ended.get(phase, Counter()).copy()
            del refused["answered"]
            if refused:
                outcome.wrong.append(f"{phase}: not all were answered: {dict(refused)}")
        alone, beside = outcome.slowest["alone"], outcome.slowest.get("beside the crowd", 0.0)
        if beside > _TIMES_SLOWER * alone:
            outcome.wrong.append(
                f"the quiet key's slowest answer took {beside:.2f} s, and alone {alone:.2f} s"
            )

    async def _with_faults(self, only: Sequence[int]) -> None:
        """Streams with faults, so many at once."""
        numbers = iter(only or range(self.bounds.streams))
        until = time.monotonic() + self.bounds.seconds

        async def one_by_one() -> None:
            for number in numbers:
                if time.monotonic() >= until:
                    self.outcome.skipped += 1
                    continue
                key = QUIET if number % 10 == 0 else LOUD
                await self._stream("with faults", key, draw(self.seed, number))

        await asyncio.gather(*(one_by_one() for _ in range(self.bounds.at_once)))
