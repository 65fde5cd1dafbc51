"""The application that clients reach, while the one behind it may be replaced."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from starlette.routing import Router
from starlette.types import Receive, Scope, Send

from proxy.surfaces.application import Application
from proxy.surfaces.parts import Parts, Share
from proxy.tasks import TaskScope

Given = TypeVar("Given")


@dataclass(slots=True, eq=False)
class _Made:
    """One application, and how many requests it is answering."""

    app: Application
    share: Share
    requests: int = 0


@dataclass(slots=True, eq=False)
class Reloadable(Generic[Given]):
    """Passes each request to the application that holds when it comes. It stays there to its end.

    `make` makes an application from what is given, and from parts.
    """

    make: Callable[[Given, Share], Application]
    given: Given
    """What holds now."""
    jobs: list[Callable[[], Coroutine[Any, Any, None]]] = field(default_factory=list)
    """What to do beside answering."""
    parts: Parts = field(init=False, default_factory=Parts)
    _current: _Made = field(init=False)
    _lifespan: Router = field(init=False)

    def __post_init__(self) -> None:
        self._current = self._made(self.given)
        self._lifespan = Router(lifespan=self.lifespan_context)

    @property
    def current(self) -> Application:
        """The application that holds now."""
        return self._current.app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
            return
        made = self._current
        made.requests += 1
        try:
            await made.app(scope, receive, send)
        finally:
            made.requests -= 1
            if not made.requests and made is not self._current:
                made.share.give_back()

    def replace(self, given: Given) -> None:
        """Let this hold for the requests that come from now on.

        If it raises, for what `make` raises, all is as before.
        """
        following = self._made(given)
        before, self._current, self.given = self._current, following, given
        if not before.requests:
            before.share.give_back()

    def _made(self, given: Given) -> _Made:
        share = Share(self.parts)
        try:
            return _Made(self.make(given, share), share)
        except BaseException:  # also Ctrl-C: what was taken must be given back
            share.give_back()
            raise

    @asynccontextmanager
    async def lifespan_context(self, _app: object) -> AsyncIterator[None]:
        """Do what is to be done beside answering, and close all parts after it."""
        async with TaskScope() as tasks:
            self.parts.begin(tasks)
            for job in self.jobs:
                _ = tasks.start(job())
            yield
        await self.parts.aclose()
