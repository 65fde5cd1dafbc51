"""One run of the benchmark: what it measures with, and its results so far."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench.checks import WrongReplyError
from bench.effort import MODELS, WARM_UP, Effort
from bench.loads import Place, VoidRunError
from bench.results import Results, Void
from bench.servers import Cores, NotStartedError, Server, first_answer, started
from bench.site import Gateway, Site
from bench.subjects import Subject


@dataclass(slots=True)
class Bench:
    """One run of the benchmark: what it measures, with what, and its results."""

    cores: Cores
    folder: Path
    upstream: Server
    gateways: dict[str, Gateway]
    subjects: tuple[Subject, ...]
    effort: Effort
    tell: Callable[[str], None]
    authority: str = ""
    """The file with the authority of the upstream's certificate; "" if it has no TLS."""
    results: Results = field(default_factory=Results)
    numbers: Iterator[int] = field(default_factory=itertools.count)
    _folders: Iterator[int] = field(default_factory=itertools.count)

    def place(self, subject: Subject, server: Server | None) -> Place:
        port = (server or self.upstream).find_port()
        if port is None:
            raise NotStartedError(f"{subject.name} has no port")
        return Place(self._located(subject), server, port, self.upstream, self.numbers)

    def start(
        self, stack: ExitStack, gateway: Gateway, cores: AbstractSet[int], subject: Subject
    ) -> tuple[Place, float]:
        """Start a gateway that stops with the stack. Returns the seconds until its first answer.

        Raises NotStartedError.
        """
        folder = self.folder / str(next(self._folders))
        try:
            launch = gateway.launch(self._site(gateway, folder))
            server = stack.enter_context(started(gateway.name, launch, folder, cores))
        except OSError as fault:
            raise NotStartedError(str(fault)) from fault
        seconds = first_answer(server, self._located(subject), WARM_UP, self.numbers)
        return self.place(subject, server), seconds

    def attempt(self, what: str, subject: Subject, measure: Callable[[], str]) -> None:
        """Do one run and print its outcome. A void run is noted and does not count."""
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

    def _located(self, subject: Subject) -> Subject:
        if not subject.gateway:
            return subject
        return subject.beside(self._site(self.gateways[subject.gateway], self.folder).upstream)

    def _site(self, gateway: Gateway, folder: Path) -> Site:
        secure = gateway.is_secure
        port = self.upstream.find_secure_port() if secure else self.upstream.find_port()
        if port is None:
            raise NotStartedError("the upstream has no such port")
        return Site(folder, port, MODELS, self.authority if secure else "")
