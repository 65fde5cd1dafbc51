"""The short cut for chunks of text: what a client hears is what reading each in full would give."""

from __future__ import annotations

import asyncio
import json
import zlib
from random import Random
from typing import Any, Final

import orjson

from proxy.core.frames import TextChunk
from proxy.core.wire import Chunk, Delta
from proxy.errors import UpstreamError
from proxy.upstreams.http.status import Vendor
from proxy.upstreams.scaleway.events import RoundReply
from proxy.upstreams.scaleway.replies import CREDENTIALS, NAME, read_chunk
from tests.fuzz.events import read_plainly
from tests.fuzz.mutation import broken_bytes, broken_document, cut

_VENDOR: Final = Vendor(NAME, CREDENTIALS, 5, "key")
_TEXTS: Final = ("one", "content", "", '"', "\\", '"}', "\n", "é🦊", "\u2028", " ", "x" * 50)
_NAMES: Final = ("content", "reasoning", "tool_calls", "finish_reason", "usage", "error", "delta")


class Frames:
    """`proxy/upstreams/scaleway_frames.py`, behind the events it is used for."""

    name = "frames"

    def draw(self, random: Random) -> bytes:
        kinds = [_chunk(random) for _ in range(random.choice((1, 1, 2)))]
        events = []
        for _ in range(random.randint(2, 12)):
            document = _saying(random.choice(kinds), random.choice(_TEXTS))
            if random.random() < 0.2:
                document = broken_document(random, document, _NAMES)
            data = _written(random, document)
            events.append(broken_bytes(random, data, 2) if random.random() < 0.15 else data)
        end = random.choice((b"data: [DONE]\n\n", b"", b"data: [DONE]\n\ndata: {}\n\n"))
        return b"".join(b"data: " + each + b"\n\n" for each in events) + end

    def check(self, case: bytes) -> None:
        random = Random(zlib.crc32(case))
        expected = _plainly(case)
        packets = [part + b"\n\n" for part in case.split(b"\n\n")]
        packets[-1] = packets[-1][:-2]
        for parts in (packets, [case], cut(random, case, 20)):
            found = asyncio.run(_heard_of(parts))
            assert found == expected, f"in {len(parts)} parts: {found!r}, not {expected!r}"


def _chunk(random: Random) -> dict[str, Any]:
    more: tuple[tuple[str, Any], ...] = (
        ("role", None),
        ("tool_calls", []),
        ("reasoning_content", None),
    )
    delta = {"content": "@", **{name: value for name, value in more if random.random() < 0.5}}
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
    top = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return {**top, "choices": [choice], **({"usage": None} if random.random() < 0.5 else {})}


def _saying(chunk: dict[str, Any], text: str) -> dict[str, Any]:
    (choice,) = chunk["choices"]
    return {**chunk, "choices": [{**choice, "delta": {**choice["delta"], "content": text}}]}


def _written(random: Random, document: Any) -> bytes:
    spaced = None if random.random() < 0.2 else (",", ":")
    return json.dumps(document, separators=spaced, ensure_ascii=random.random() < 0.5).encode(
        "utf-8", "surrogatepass"
    )


async def _heard_of(parts: list[bytes]) -> list[Any]:
    """What the client hears when the parts of a reply come one by one."""
    heard: list[Any] = []
    reply = RoundReply(_VENDOR, lambda chunks: heard.extend(map(_meaning, chunks)), 60)
    feed = reply.head(200, [(b"content-type", b"text/event-stream")])
    try:
        for part in parts:
            feed(part)
    except UpstreamError as fault:
        heard.append(_fault(fault))
    return heard


def _plainly(data: bytes) -> list[Any]:
    heard: list[Any] = []
    for event in read_plainly(data):
        if event.data == b"[DONE]":
            break
        if event.data:
            try:
                heard.append(_meaning(read_chunk(_VENDOR, event.data)))
            except UpstreamError as fault:
                return heard if _is_finished(heard) else [*heard, _fault(fault)]
    return heard


def _is_finished(heard: list[Any]) -> bool:
    """Whether the answer is complete, so that a fault behind it is told to nobody."""
    return any(choice.get("finish_reason") for chunk in heard for choice in chunk["choices"])


def _fault(fault: UpstreamError) -> tuple[str, str]:
    return type(fault).__name__, str(fault)


def _meaning(chunk: Chunk | TextChunk) -> Any:
    """A chunk without the fields of its deltas that say nothing, which a frame leaves out."""
    if isinstance(chunk, TextChunk):
        assert orjson.loads(b'"%b"' % chunk.written) == chunk.text != ""
        chunk = chunk.whole()
    choices = [{**each, "delta": _said(each.get("delta"))} for each in chunk.get("choices") or ()]
    return {**chunk, "choices": choices}


def _said(delta: Delta | None) -> dict[str, Any]:
    return {name: value for name, value in (delta or {}).items() if value and name != "role"}
