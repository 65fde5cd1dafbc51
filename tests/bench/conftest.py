"""The scripted upstream, as a process of its own, for whatever measures against it."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.effort import WARM_UP, Effort, Level
from bench.gateways import DIRECT
from bench.servers import Server, choose_cores, first_answer, started, upstream_launch
from bench.session import Bench

SMALL = Effort(repeats=1, answers_s=0.05, levels=(Level(2, 1, 1),), widest=False, alone=1)


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("upstream")
    with started("upstream", upstream_launch(), folder, choose_cores().every) as server:
        first_answer(server, DIRECT, WARM_UP, itertools.count())
        yield server


@pytest.fixture
def session(upstream: Server, tmp_path: Path) -> Bench:
    """A run of the benchmark that measures direct alone, and next to nothing of it."""
    return Bench(choose_cores(), tmp_path, upstream, {}, (DIRECT,), SMALL, lambda _: None)
