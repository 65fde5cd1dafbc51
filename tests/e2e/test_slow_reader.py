"""A client that reads slowly, or not at all: it slows its model down and costs no memory."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.program import Program
from tests.support.script import DONE, delta_event
from tests.upstreams.raw_server import PATIENCE_S, Connection, chunk, chunked, raw_server

TEXTS = 20_000
"""With 2 kB each: far more than sockets and the proxy may hold."""
TEXT = "x" * 2_000
MOST_HELD = 24_000_000
"""What four socket buffers and the proxy may hold of a stream at most, in bytes."""
MOST_GROWTH_KB = 24_000

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="needs /proc to see the memory of a process"
)


def saying(text: str, finish_reason: str | None = None) -> bytes:
    return delta_event({"content": text}, finish_reason)


END = chunk(saying("", "stop") + DONE) + chunk(b"")


class FastModel:
    """Streams as fast as it is let, on its first connection; on others it says a word."""

    def __init__(self) -> None:
        self.sent = 0
        self.has_paused = asyncio.Event()
        self.is_gone = asyncio.Event()

    async def __call__(self, connection: Connection) -> None:
        await connection.request()
        await connection.send(chunked(saying("begin")))
        if connection.number > 1:
            await connection.send(END)
            await connection.gone()
            return
        try:
            for number in range(TEXTS):
                await self._send(connection, chunk(saying(f"{number} {TEXT}")))
            await connection.send(END)
            await connection.gone()
        finally:
            self.is_gone.set()

    async def _send(self, connection: Connection, data: bytes) -> None:
        sending = asyncio.ensure_future(connection.send(data))
        done, _ = await asyncio.wait([sending], timeout=0.5)
        if not done:
            self.has_paused.set()
        await sending
        self.sent += len(data)


@contextmanager
def proxy(upstream: str, folder: Path) -> Iterator[tuple[int, int]]:
    """The port of a proxy in a process of its own, and the process."""
    keys = {"LIGHTON_API_KEY": "k", "SCALEWAY_API_KEY": "k", "SCALEWAY_BASE_URL": upstream}
    more = {"LIGHTON_BASE_URL": upstream, "RAG_PROXY_KEEP_WARM_S": "0"}
    more["RAG_PROXY_MAX_ANSWER_CHARS"] = str(10**9)
    with Program("serve", "--port", "0", cwd=folder, env=keys | more) as program:
        port = int(program.out.until(r"http://127\.0\.0\.1:(\d+)/v1")[1])
        yield port, program.pid


def memory_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    (resident,) = re.findall(r"VmRSS:\s+(\d+) kB", status)
    return int(resident)


async def ask(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client that has read the head of its stream and nothing else."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = json.dumps({"messages": [{"role": "user", "content": "Go."}], "stream": True})
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}"
    writer.write(f"{head}\r\n\r\n{body}".encode())
    await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_S)
    return reader, writer


async def is_served(port: int) -> bool:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), PATIENCE_S)
    writer.close()
    return b'"status":"ok"' in answer


async def is_answered(port: int) -> bool:
    reader, writer = await ask(port)
    answer = await asyncio.wait_for(reader.readuntil(b"[DONE]"), PATIENCE_S)
    writer.close()
    return b'"content":"begin"' in answer


async def test_a_client_that_reads_nothing_holds_its_model_up_and_costs_no_memory(
    tmp_path: Path,
) -> None:
    model = FastModel()
    async with raw_server(model) as upstream:
        with proxy(upstream.url, tmp_path) as (port, pid):
            before = memory_kb(pid)
            reader, writer = await ask(port)
            await asyncio.wait_for(model.has_paused.wait(), PATIENCE_S)
            assert model.sent < MOST_HELD
            assert memory_kb(pid) - before < MOST_GROWTH_KB
            assert await is_served(port)
            assert await is_answered(port)
            assert model.sent < MOST_HELD
            numbers = []
            while line := await asyncio.wait_for(reader.readline(), PATIENCE_S):
                if found := re.search(rb'"content":"(\d+) x', line):
                    numbers.append(int(found[1]))
                if b"[DONE]" in line:
                    break
            assert numbers == list(range(TEXTS))
            writer.close()
            await writer.wait_closed()


async def test_a_slow_client_that_hangs_up_ends_its_model(tmp_path: Path) -> None:
    model = FastModel()
    async with raw_server(model) as upstream:
        with proxy(upstream.url, tmp_path) as (port, _):
            _, writer = await ask(port)
            await asyncio.wait_for(model.has_paused.wait(), PATIENCE_S)
            writer.transport.abort()
            del writer
            await asyncio.wait_for(model.is_gone.wait(), PATIENCE_S)
            assert model.sent < MOST_HELD
