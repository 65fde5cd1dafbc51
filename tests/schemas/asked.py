"""A whole proxy on the stand-ins, in one process, and what it replies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson

from proxy.app import Proxy, create_app
from proxy.sandbox.app import create_sandbox
from proxy.sandbox.documents.corpus import load_corpus
from proxy.sandbox.served import EMBEDDERS, SERVED
from proxy.settings import Settings
from tests.sandbox.samples import sample_folder
from tests.support.asgi import Answer, ask

MODEL = SERVED[0].id
EMBEDDER = EMBEDDERS[0].id
QUESTION = "When can the lease be ended?"


def proxy_on_stand_ins(folder: Path, **settings: Any) -> Proxy:
    (folder / "documents").mkdir()
    sandbox = create_sandbox(load_corpus(sample_folder(folder / "documents")))
    given = Settings(
        lighton_base_url="http://sandbox.test",
        lighton_api_key="demo",
        scaleway_base_url="http://sandbox.test/v1",
        scaleway_api_key="demo",
        default_model=MODEL,
        retrieval="context",
        show_scope=True,
        usage_file=str(folder / "usage.jsonl"),
        **settings,
    )
    return create_app(given, httpx.ASGITransport(sandbox))


async def get(app: Proxy, path: str) -> Answer:
    return await ask(app, path, method="GET", content=b"")


def data_of(answer: Answer) -> Iterator[Any]:
    """The data of the events of a stream."""
    for line in answer.body.decode().split("\n"):
        if line.startswith("data: {"):
            yield orjson.loads(line.removeprefix("data: "))
