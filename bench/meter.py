"""What server, upstream and load client use during a load."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from bench.procstat import busy_seconds, cpu_between, cpu_seconds, tree


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds over a period."""

    wall_s: float
    server_s: float
    client_s: float
    upstream_s: float
    machine_s: float
    """Of all processes on all cores."""

    @property
    def others_share(self) -> float:
        """The cores that other processes used: 0 on a machine that does nothing else."""
        ours = self.server_s + self.client_s + self.upstream_s
        return max(0.0, self.machine_s - ours) / self.wall_s

    @property
    def server_share(self) -> float:
        return self.server_s / self.wall_s

    @property
    def client_share(self) -> float:
        return self.client_s / self.wall_s

    @property
    def upstream_share(self) -> float:
        return self.upstream_s / self.wall_s


@dataclass(slots=True)
class Meter:
    """Measures from its creation, or from `restart`, to `read`."""

    server: int | None
    """The process whose tree it measures; None if no server is between client and upstream."""
    upstream: int
    _at: float = field(init=False, default=0.0)
    _server: dict[int, float] = field(init=False, default_factory=dict)
    _upstream: dict[int, float] = field(init=False, default_factory=dict)
    _client: float = field(init=False, default=0.0)
    _machine: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self._server = self._of_server()
        self._upstream = cpu_seconds([self.upstream])
        self._client = time.process_time()
        self._machine = busy_seconds()
        self._at = time.monotonic()

    def read(self) -> Usage:
        """The use since then. Call it once a load has ended."""
        return Usage(
            wall_s=time.monotonic() - self._at,
            client_s=time.process_time() - self._client,
            upstream_s=cpu_between(self._upstream, cpu_seconds([self.upstream])),
            server_s=cpu_between(self._server, self._of_server()),
            machine_s=busy_seconds() - self._machine,
        )

    def _of_server(self) -> dict[int, float]:
        return {} if self.server is None else cpu_seconds(tree(self.server))
