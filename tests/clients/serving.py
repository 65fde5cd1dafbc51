"""The proxy in front of the stand-ins on real sockets, and what stands in front of the proxy."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from proxy.app import create_app
from proxy.sandbox.app import create_sandbox
from proxy.sandbox.documents.corpus import load_corpus
from proxy.sandbox.faults import Faults
from proxy.settings import Settings
from tests.support.program import Program
from tests.support.server import serving_in_thread

DOCUMENTS: Final = Path(__file__).parents[1] / "e2e" / "documents"
_START_S: Final = 120.0
_PAUSE_S: Final = 0.2


@dataclass(frozen=True)
class Served:
    """A running proxy, and what its stand-ins were asked."""

    url: str
    faults: Faults

    def forget(self) -> None:
        self.faults.requests.clear()

    def searches(self) -> int:
        return len(self.faults.requests.all("lighton", "/search"))


@contextmanager
def serving() -> Iterator[Served]:
    faults = Faults()
    with serving_in_thread(create_sandbox(load_corpus(DOCUMENTS), faults=faults)) as upstreams:
        settings = Settings(
            lighton_base_url=upstreams,
            lighton_api_key="any",
            scaleway_base_url=f"{upstreams}/v1",
            scaleway_api_key="any",
            keep_warm_s=0,  # searches are counted
            search_cache_ttl=0,
            search_memory=False,
        )
        with serving_in_thread(create_app(settings)) as url:
            yield Served(url, faults)


@contextmanager
def in_front(command: Sequence[str], folder: Path, port: int) -> Iterator[str]:
    """A server of another maker, until the block ends; gives its address."""
    with Program(cwd=folder, command=command):
        url = f"http://127.0.0.1:{port}"
        _wait_for(url)
        yield url


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _wait_for(url: str) -> None:
    """Wait until a server answers, whatever it says. It can tell nobody that it has started."""
    deadline = time.monotonic() + _START_S
    with httpx.Client(trust_env=False) as client:
        while time.monotonic() < deadline:
            try:
                client.get(url)
            except httpx.TransportError:
                time.sleep(_PAUSE_S)
            else:
                return
    raise TimeoutError(f"nothing listens at {url}")
