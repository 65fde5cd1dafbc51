"""What stands between a client and the proxy: a server of another maker."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

from tests.clients.program import child

_START_S: Final = 120.0
_PAUSE_S: Final = 0.2
_SHOWN: Final = 200


class StartError(Exception):
    """The server does not start; the text says why."""


@contextmanager
def in_front(command: Sequence[str], folder: Path, port: int) -> Iterator[None]:
    """Run a server, which is to listen on `port`, until the block ends. Raises StartError."""
    log = folder / "front.log"
    with log.open("wb") as output, child(command, folder, stdout=output, stderr=output) as server:
        deadline = time.monotonic() + _START_S
        while not _answers(f"http://127.0.0.1:{port}"):
            if server.poll() is not None or time.monotonic() > deadline:
                raise StartError(_last_error(log.read_text(encoding="utf-8", errors="replace")))
            # It can tell nobody that it has started.
            time.sleep(_PAUSE_S)
        yield


def _answers(url: str) -> bool:
    """Whether a server answers, whatever it says."""
    try:
        httpx.get(url, trust_env=False)
    except httpx.TransportError:
        return False
    return True


def _last_error(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if "Error" in line]
    return (errors or lines or ["it said nothing"])[-1][:_SHOWN]
