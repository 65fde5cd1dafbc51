"""Sends requests again that an upstream surely did not work on, within one answer's time.

The pool has a rule of its own for connections that died while nobody used them: see `pool`. All
that fails on a new connection ends up here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from math import inf
from typing import Final, Protocol, Self, TypeVar

from proxy.core.effort import Effort
from proxy.core.frames import Hear
from proxy.core.hidden import Job
from proxy.core.ports import Rounds
from proxy.core.timeline import JobRun, Retry
from proxy.core.trace import Headers
from proxy.core.wire import ChatRequest, Model
from proxy.errors import ProxyError, UpstreamError
from proxy.upstreams.http.retry_policy import RetryPolicy

T = TypeVar("T")
_LIST_PATIENCE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Retries:
    """The retries of one answer at one upstream. By default there are none."""

    policy: RetryPolicy = field(default_factory=RetryPolicy)
    effort: Effort = field(default_factory=Effort)
    run: JobRun | None = None
    """The job that requests are for, if there is a trace."""

    def within(self, job: Job) -> Self:
        """The same, for the requests that a job takes, unless they already are for another one."""
        run = self.effort.timeline.traced(job)
        return self if run is None else replace(self, run=run)

    @property
    def headers(self) -> Headers:
        """What the upstream hears of the trace."""
        return self.effort.timeline.headers(self.run)

    async def of(
        self,
        attempt: Callable[[], Awaitable[T]],
        *,
        until: float = inf,
        unless: Callable[[], bool] = lambda: False,
    ) -> T:
        """The result of the first attempt that succeeds. Raises what the last one raised.

        `until` is a time of the event loop. A request is not sent again once `unless` is true. If
        the proxy has sent it again, or would have for this error, the client is told not to do so
        by itself: it would repeat all of the proxy's attempts.
        """
        retried = 0
        while True:
            try:
                return await attempt()
            except UpstreamError as error:
                failed_at = asyncio.get_running_loop().time()
                wait_s = None if unless() else self._wait_s(retried, error, until)
                if wait_s is None:
                    if retried:
                        error.outlast()
                    raise
                retry = Retry(failed_at, error.upstream, error.cause, wait_s, self.run)
            except ProxyError as error:  # such as that of the queue
                if retried:
                    error.outlast()
                raise
            retried += 1
            self.effort.timeline.retries.append(retry)
            self.policy.counted(retry.upstream, retry.cause)
            await asyncio.sleep(retry.wait_s)

    def _wait_s(self, retried: int, error: UpstreamError, until: float) -> float | None:
        left_s = min(until, self.effort.until) - asyncio.get_running_loop().time()
        wait_s = self.policy.wait_s(retried, error, left_s)
        if wait_s is None and self.policy.covers(error):
            error.outlast()
        return wait_s

    async def of_search(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """As `of`, within the time for searches."""
        return await self.of(attempt, until=self.effort.searches_until)


@dataclass(frozen=True, slots=True)
class RetriedRounds:
    """The rounds of one answer, each asked for again as long as nothing of it was heard."""

    rounds: Rounds
    retries: Retries

    @property
    def name(self) -> str:
        return self.rounds.name

    async def require(self, model: str) -> None:
        """As the model upstream's. What it asks of the model is nothing that the client hears."""
        await self.retries.of(lambda: self.rounds.require(model))

    async def ask(self, body: ChatRequest, hear: Hear) -> None:
        effort = self.retries.effort
        await self.retries.of(lambda: self.rounds.ask(body, hear), unless=lambda: effort.has_heard)


class ModelList(Protocol):
    async def all(self) -> tuple[Model, ...]: ...


@dataclass(frozen=True, slots=True)
class RetriedList:
    """The list of models for a client that asks for it, and waits for a while."""

    models: ModelList
    policy: RetryPolicy

    async def all(self) -> tuple[Model, ...]:
        until = asyncio.get_running_loop().time() + _LIST_PATIENCE_S
        return await Retries(self.policy).of(self.models.all, until=until)
