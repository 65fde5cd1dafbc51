"""Each row of the table of states, on a real connection."""

from __future__ import annotations

import asyncio

import pytest

from proxy.upstreams.http.connection import Connection
from tests.support.clock import skipping_clock
from tests.upstreams.raw_server import PATIENCE_S, chunk, chunked, reply
from tests.upstreams.wires import REQUEST, Heard, Wire, asking, settled, wired

NOTICE = b"HTTP/1.1 103 Early Hints\r\n\r\n"
HEAD = chunked()
LATE = reply(status="408 Request Timeout")
SENT = {
    "notice": NOTICE,
    "head": HEAD,
    "part": chunk(b"part"),
    "end": chunk(b""),
    "whole": reply(b"all"),
    "late": LATE,
    "not HTTP": b"\x00\x00",
}
OF_A_HEAD = {
    "nothing": "HEAD",
    "notice": "HEAD",
    "head": "BODY",
    "part": "CLOSED",
    "end": "CLOSED",
    "whole": "DONE",
    "late": "CLOSED",
    "not HTTP": "CLOSED",
    "closes": "CLOSED",
    "resets": "CLOSED",
    "silence": "CLOSED",
    "cancelled": "CLOSED",
    "made ready": "HEAD",
}
TABLE: dict[str, dict[str, str]] = {
    "IDLE": dict.fromkeys(OF_A_HEAD, "CLOSED")
    | dict.fromkeys(("nothing", "silence", "cancelled", "made ready"), "IDLE"),
    "ASKED": OF_A_HEAD | {"nothing": "ASKED", "made ready": "ASKED"},
    "HEAD": OF_A_HEAD,
    "BODY": dict.fromkeys(OF_A_HEAD, "CLOSED")
    | dict.fromkeys(("nothing", "part", "made ready"), "BODY")
    | {"end": "DONE"},
    "BODY to the end": dict.fromkeys(OF_A_HEAD, "BODY")
    | dict.fromkeys(("resets", "silence", "cancelled"), "CLOSED")
    | {"closes": "DONE"},
    "DONE": dict.fromkeys(OF_A_HEAD, "DONE") | {"made ready": "IDLE"},
    "CLOSED": dict.fromkeys(OF_A_HEAD, "CLOSED"),
}
INTO = {
    "ASKED": b"",
    "HEAD": b"H",
    "BODY": HEAD,
    "BODY to the end": b"HTTP/1.1 200 OK\r\nx-a: 1\r\n\r\n",
    "DONE": reply(b"all"),
    "CLOSED": b"\x00",
}


async def happen(event: str, connection: Connection, wire: Wire, *, is_begun: bool) -> None:
    """Let an event of the table happen; of a head, the first byte may have come already."""
    match event:
        case "nothing" | "silence" | "cancelled" | "made ready":
            pass
        case "closes":
            await wire.end()
        case "resets":
            wire.reset()
        case _ if connection.is_open:
            sent = SENT[event]
            await wire.send(sent[1:] if is_begun and sent.startswith(b"H") else sent)
    await settled()


@pytest.mark.parametrize("event", OF_A_HEAD)
@pytest.mark.parametrize("state", TABLE)
async def test_the_state_after_each_event_is_that_of_the_table(state: str, event: str) -> None:
    expected = TABLE[state][event]
    with skipping_clock() as clock:
        async with wired() as (connection, wire):
            async with asking(connection, Heard()) as first:
                await wire.send(reply(b"so that it is a kept one"))
                await first
            assert connection.rest()
            task = asyncio.create_task(reach(state, connection))
            await settled()
            if state != "IDLE":
                await wire.send(INTO[state])
            assert connection._state.name == state.partition(" ")[0]
            if event == "silence":
                clock.skip(PATIENCE_S + 1)
            if event == "cancelled":
                task.cancel()
            if event == "made ready":
                assert connection.rest() is (state == "DONE")
            await happen(event, connection, wire, is_begun=state == "HEAD")
            assert connection._state.name == expected
            assert task.done() is (expected in {"DONE", "IDLE", "CLOSED"})
            if state == "DONE" and event in {*SENT, "closes", "resets"}:
                assert not connection.rest()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def reach(state: str, connection: Connection) -> None:
    if state != "IDLE":
        await connection.exchange([REQUEST], Heard())
