"""The process that is soaked: how it is started, measured and ended."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import orjson

from tests.soak.hooked import PATH
from tests.soak.measures import Measures, kept, measured
from tests.support.program import Program

LOUD: Final = "soak-key-of-the-loud-one"
QUIET: Final = "soak-key-of-the-quiet-one"
STALL_S: Final = 4
"""After how many seconds the soaked proxy gives up a silent upstream."""
_SETTLES_S: Final = 45.0
"""A pool keeps a connection that is not used for half a minute at most."""
_LOOK_EACH_S: Final = 0.5
_ROOT: Final = Path(__file__).parents[2]


class Soaked:
    """A running proxy."""

    def __init__(self, program: Program, port: int) -> None:
        self.port = port
        self._program = program

    async def measures(self) -> Measures:
        """What it holds now."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"GET {PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        tasks = orjson.loads(await reader.readuntil(b"}"))["tasks"]
        found = measured(self._program.pid, tasks)
        writer.close()
        await writer.wait_closed()
        return found

    async def settled(self, before: Measures) -> Measures:
        """What it holds once it has given back all that `before` had not, or some time later."""
        until = time.monotonic() + _SETTLES_S
        found = await self.measures()
        # Nothing tells when another process has closed something.
        while kept(before, found) and time.monotonic() < until:
            await asyncio.sleep(_LOOK_EACH_S)
            found = await self.measures()
        return found

    def end(self) -> tuple[int, str]:
        """Its exit code after SIGTERM, and its log."""
        code = self._program.terminate()
        return code, self._program.err.rest()


def settings_of(url: str, slots: int) -> Mapping[str, str]:
    """The environment of the soaked process. Its upstreams both answer at `url`."""
    return {
        "LIGHTON_BASE_URL": url,
        "LIGHTON_API_KEY": "soak",
        "SCALEWAY_BASE_URL": f"{url}/v1",
        "SCALEWAY_API_KEY": "soak",
        "RAG_PROXY_PORT": "0",
        "RAG_PROXY_API_KEYS": f"{LOUD},{QUIET}",
        "RAG_PROXY_DEFAULT_MODEL": "soaked",
        "RAG_PROXY_ROUND_IDLE_S": str(STALL_S),
        "RAG_PROXY_SEARCH_TIMEOUT_S": str(STALL_S),
        # So little that it is full before the first measurement.
        "RAG_PROXY_STATE_MAX_BYTES": "1000000",
        "RAG_PROXY_MAX_CONCURRENT_MODEL_REQUESTS": str(slots),
    }


@contextmanager
def soaked(url: str, slots: int) -> Iterator[Soaked]:
    """A proxy in a process of its own, for as long as the block."""
    command = (sys.executable, "-m", "tests.soak.hooked")
    env = {**settings_of(url, slots), "PYTHONPATH": str(_ROOT)}
    with (
        tempfile.TemporaryDirectory() as folder,
        Program(cwd=Path(folder), env=env, command=command) as program,
    ):
        port = int(program.out.until(r"soaked on http://127\.0\.0\.1:(\d+)")[1])
        yield Soaked(program, port)
