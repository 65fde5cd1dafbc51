"""One run of the benchmark: what it measures with, and what came out so far."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench.checks import WrongReplyError
from bench.effort import MODELS, WARM_UP, Effort
from bench.gateways import Gateway, Site
from bench.loads import Place, VoidRunError
from bench.results import Results, Void
from bench.servers import Cores, NotStartedError, Server, first_answer, started
from bench.sockets import HOST
from bench.subjects import Subject


@dataclass(slots=True)
class Bench:
    """One run of the benchmark: what is measured, with what, and what came out."""

    cores: Cores
    folder: Path
    upstream: Server
    gateways: dict[str, Gateway]
    subjects: tuple[Subject, ...]
    effort: Effort
    tell: Callable[[str], None]
    results: Results = field(default_factory=Results)
    numbers: Iterator[int] = field(default_factory=itertools.count)
    _folders: Iterator[int] = field(default_factory=itertools.count)

    def place(self, subject: Subject, server: Server | None) -> Place:
        port = (server or self.upstream).find_port()
        if port is None:
            raise NotStartedError(f"{subject.name} has no port")
        return Place(
            subject.beside(self._upstream_address), server, port, self.upstream, self.numbers
        )

    def start(
        self, stack: ExitStack, gateway: Gateway, cores: AbstractSet[int], subject: Subject
    ) -> tuple[Place, float]:
        """Start a gateway that is stopped with the stack; seconds until it answered the subject.

        Raises NotStartedError.
        """
        folder = self.folder / str(next(self._folders))
        site = Site(folder, self._upstream_port, MODELS)
        try:
            launch = gateway.launch(site)
            server = stack.enter_context(started(gateway.name, launch, folder, cores))
        except OSError as fault:
            raise NotStartedError(str(fault)) from fault
        located = subject.beside(self._upstream_address)
        seconds = first_answer(server, located, WARM_UP, self.numbers)
        return self.place(subject, server), seconds

    def attempt(self, what: str, subject: Subject, measure: Callable[[], str]) -> None:
        """One run; what it found is told. One that is void is noted and does not count."""
        try:
            told = measure()
        except (VoidRunError, WrongReplyError, OSError) as fault:
            told = f"VOID: {fault}"
            self.results.void.append(Void(what, subject, str(fault)))
        self.tell(f"{what}, {subject.name}: {told}")

    def drop(self, gateway: str, reason: str) -> None:
        """Measure a gateway no more."""
        for subject in self.subjects:
            if subject.gateway == gateway:
                self.results.absent[subject.name] = reason
                self.tell(f"{subject.name}: {reason}")

    def present(self) -> tuple[Subject, ...]:
        return tuple(each for each in self.subjects if each.name not in self.results.absent)

    @property
    def _upstream_port(self) -> int:
        port = self.upstream.find_port()
        if port is None:
            raise NotStartedError("the upstream has no port")
        return port

    @property
    def _upstream_address(self) -> str:
        return f"http://{HOST}:{self._upstream_port}"
