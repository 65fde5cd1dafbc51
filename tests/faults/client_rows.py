"""What becomes of a client's fault, as rows of the table."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from tests.faults.client_faults import LARGEST, Caller, ClientFault
from tests.faults.rows import Row
from tests.faults.stage import Stage, nothing_stays, open_descriptors
from tests.support.clock import LIMIT_S
from tests.upstreams.raw_server import PATIENCE_S

CLIENT_HEAD: Final = ("fault of the client", "status", "error", "log line")
_STATUS: Final = re.compile(rb"HTTP/1\.1 (\d+)")
_CODE: Final = re.compile(rb'"error":\{.*?"code":"?(\w+)')
_LOGGED: Final = re.compile(r"\b((?:status|error|cause|client)=\S+)")
_SETTINGS: Final = {
    "head_timeout_s": LIMIT_S,
    "body_timeout_s": LIMIT_S,
    "max_body_bytes": LARGEST,
}


async def client_row(stage: Stage, fault: ClientFault) -> Row:
    """Let a client do it, and see that nothing stays behind, neither here nor at the upstreams."""
    seen = [
        await _cells(stage, fault, is_stream=stream)
        for stream in ((False, True) if fault.is_answer else (False,))
    ]
    return fault.says, *(" / ".join(dict.fromkeys(cells)) for cells in zip(*seen, strict=True))


async def _cells(stage: Stage, fault: ClientFault, *, is_stream: bool) -> tuple[str, str, str]:
    url = urlsplit(await stage.proxy(retrieval="tool", **_SETTINGS))
    stage.model.play(*fault.model)
    stage.search.play(*fault.search)
    before, descriptors = asyncio.all_tasks(), open_descriptors()
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    caller = Caller(reader, writer, stage, is_stream)
    told = b""
    try:
        async with asyncio.timeout(10 * PATIENCE_S):
            await fault.does(caller)
            for _ in range(fault.stalls):
                await stage.clock.run_out()
            with suppress(ConnectionError):
                told = b"" if writer.is_closing() else await reader.read()
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    await nothing_stays(before, descriptors)
    statuses = ", ".join(each.decode() for each in _STATUS.findall(told))
    codes = ", ".join(f"`{each.decode()}`" for each in _CODE.findall(told))
    lines = [f"`{' '.join(_LOGGED.findall(each))}`" for each in stage.log.all()]
    return statuses or "—", codes or "—", ", ".join(lines) or "none"
