"""The scripted upstream, as a process of its own, for whatever measures against it."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.certificates import Certificates, make_certificates, missing
from bench.effort import WARM_UP, Effort, Level
from bench.gateways import DIRECT
from bench.servers import Server, choose_cores, first_answer, started, upstream_launch
from bench.session import Bench

SMALL = Effort(
    repeats=1,
    answers_s=0.05,
    levels=(Level(2, 1, 1), Level(3, 1, 1, over_https=True)),
    widest=False,
    alone=1,
)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """What the upstream shows over TLS; without the openssl command its tests are skipped."""
    if reason := missing():
        pytest.skip(reason)
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def upstream(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("upstream")
    launch = upstream_launch(certificates)
    with started("upstream", launch, folder, choose_cores().every) as server:
        first_answer(server, DIRECT, WARM_UP, itertools.count())
        yield server


@pytest.fixture
def session(upstream: Server, tmp_path: Path, certificates: Certificates) -> Bench:
    """A run of the benchmark that measures direct alone, and next to nothing of it."""
    authority = str(certificates.authority)
    return Bench(
        choose_cores(), tmp_path, upstream, {}, (DIRECT,), SMALL, lambda _: None, authority
    )
