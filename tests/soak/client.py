"""A client on a socket of its own, which reads as its plan says."""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import dataclass
from typing import Final

import orjson

from tests.soak.plans import Client, Plan

_READ: Final = 65_536
_SMALL: Final = 8_192
"""How much a slow client reads at a time, and keeps unread in its system."""
_PAUSE_S: Final = 0.02
_STOPS_S: Final = 2.0


@dataclass(slots=True)
class Heard:
    """What came back, in bytes as they came."""

    data: bytes = b""
    has_ended: bool = False
    """Whether the server ended it, and not the client or its patience."""
    has_left: bool = False
    """Whether the client went before the end, as its plan says."""
    took_s: float = 0.0


async def ask(port: int, key: str, plan: Plan, patience_s: float) -> Heard:
    """Ask, and hear as much as the plan's client does."""
    heard = Heard()
    began = time.monotonic()
    reader, writer = await _connected(port, plan)
    try:
        async with asyncio.timeout(patience_s):
            writer.write(_request(key, plan))
            await _hear(reader, plan, heard)
    except TimeoutError:
        heard.has_ended = False
    except ConnectionError:
        heard.has_ended = True
    finally:
        writer.transport.abort()
    heard.took_s = time.monotonic() - began
    return heard


async def _connected(port: int, plan: Plan) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    connection = socket.socket()
    connection.settimeout(0)
    is_small = plan.client in {Client.SLOW, Client.STOPS}
    if is_small:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL)
    await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port))
    return await asyncio.open_connection(sock=connection, limit=_SMALL if is_small else _READ)


def _request(key: str, plan: Plan) -> bytes:
    body = orjson.dumps(plan.body())
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n"
        f"authorization: Bearer {key}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _hear(reader: asyncio.StreamReader, plan: Plan, heard: Heard) -> None:
    leaves = plan.client in {Client.HANGS_UP, Client.STOPS}
    parts = []
    size = 0
    while not leaves or size < plan.leaves_after:
        part = await reader.read(_SMALL if plan.client is Client.SLOW else _READ)
        if not part:
            heard.has_ended = True
            break
        parts.append(part)
        size += len(part)
        if plan.client is Client.SLOW:
            await asyncio.sleep(_PAUSE_S)
    heard.data = b"".join(parts)
    if leaves and not heard.has_ended:
        heard.has_left = True
        await asyncio.sleep(_STOPS_S if plan.client is Client.STOPS else 0)
