"""What holds for all tests, and what many share."""

import gc
import logging
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.support.program import hear_interrupts
from tests.support.redis_server import redis_server

# `make e2e-open-webui` installs what these need, and names their folder.
collect_ignore = ["open_webui"]

# How long an example takes is not judged: a busy machine is no defect.
settings.register_profile(
    "unhurried", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
# `make test` asks for this one.
settings.register_profile("quick", settings.get_profile("unhurried"), max_examples=30)
settings.load_profile("unhurried")

hear_interrupts()

# Thousands of tests are collected, and all of them stay: looking for garbage among them finds none.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def _log_levels_are_put_back() -> Iterator[None]:
    """A test that runs a command in this process sets them for all that is logged later."""
    levels = {logger: logger.level for logger in map(logging.getLogger, (None, "proxy", "httpx"))}
    yield
    for logger, level in levels.items():
        logger.setLevel(level)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The address of a real Redis that all tests of this process share: use names of your own."""
    with redis_server() as server:
        yield server.url
