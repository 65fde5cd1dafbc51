"""The proxy in front of the stand-ins, on real sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from proxy.app import create_app
from proxy.sandbox.app import create_sandbox
from proxy.sandbox.documents.corpus import load_corpus
from proxy.sandbox.faults import Faults
from proxy.settings import Settings
from tests.clients.checks import Heard
from tests.support.server import serving_in_thread

DOCUMENTS: Final = Path(__file__).parents[1] / "e2e" / "documents"


@dataclass(frozen=True)
class Served:
    """A running proxy, and what its stand-ins were asked."""

    url: str
    faults: Faults

    def forget(self) -> None:
        self.faults.requests.clear()

    def heard(self) -> Heard:
        chats = self.faults.requests.all("scaleway", "/chat/completions")
        told = json.dumps(chats[-1].body["messages"]) if chats else ""
        return Heard(len(self.faults.requests.all("lighton", "/search")), told)


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
