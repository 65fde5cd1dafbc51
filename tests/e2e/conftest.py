"""The proxy in front of the stand-ins, both on real sockets, for clients of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from proxy.app import create_app
from proxy.sandbox.app import create_sandbox
from proxy.sandbox.documents.corpus import load_corpus
from proxy.sandbox.faults import Faults
from proxy.settings import Settings
from tests.support.server import serving_in_thread

DOCUMENTS = Path(__file__).parent / "documents"


@dataclass(frozen=True)
class RunningSandbox:
    url: str
    faults: Faults


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[RunningSandbox]:
    faults = Faults()
    with serving_in_thread(create_sandbox(load_corpus(DOCUMENTS), faults=faults)) as url:
        yield RunningSandbox(url, faults)


@pytest.fixture(scope="session")
def running_proxy(running_sandbox: RunningSandbox) -> Iterator[str]:
    settings = Settings(
        lighton_base_url=running_sandbox.url,
        lighton_api_key="lighton-key",
        scaleway_base_url=f"{running_sandbox.url}/v1",
        scaleway_api_key="scaleway-key",
        keep_warm_s=0,  # the same
        search_cache_ttl=0,  # tests count searches, and arm faults for them
        search_memory=False,  # the same
    )
    with serving_in_thread(create_app(settings)) as url:
        yield url


@pytest.fixture
def sandbox(running_sandbox: RunningSandbox) -> Iterator[RunningSandbox]:
    """The stand-ins, with no fault armed before and after, and nothing in their log."""
    running_sandbox.faults.clear()
    running_sandbox.faults.requests.clear()
    yield running_sandbox
    running_sandbox.faults.clear()


@pytest.fixture
def proxy_url(running_proxy: str, sandbox: RunningSandbox) -> str:  # noqa: ARG001  # clears faults
    """The proxy's URL, without /v1."""
    return running_proxy
