"""What a client sends and what upstreams answer, one of them broken or both: cases as bytes.

A case is what the client sends, and then each upstream reply behind a line that names its vendor.
Whatever is cut out of a case leaves a case, so that one that fails can be made smaller.
"""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any, Final, NamedTuple

import orjson

from tests.fuzz.answers import CHAT, RESPONSES
from tests.fuzz.mutation import broken_bytes, broken_document
from tests.fuzz.path_upstream import MODEL, SEARCH, whole_reply
from tests.fuzz.raw_requests import draw_connection
from tests.fuzz.upstream import KEY
from tests.support.script import DONE, Call, Round, event, result, search_call
from tests.upstreams.raw_server import reply

_VENDOR_LINE: Final = re.compile(rb"\n=== (model|search) ===\n")
_SENTENCE: Final = "It is 27 days [1], \u201csays\u201d the handbook.\n\nAsk HR [2]."
_TOOL: Final = {"type": "function", "function": {"name": "get_weather", "parameters": {}}}
_FILE_SEARCH: Final = {"type": "file_search", "vector_store_ids": ["ws_1"]}
_ROUNDS: Final = (
    Round(_SENTENCE),
    Round(_SENTENCE, "Let me see."),
    Round(calls=(search_call("leave"),), finish_reason="tool_calls"),
    Round("I look it up.", calls=(search_call("leave"), search_call("sick"))),
    Round(calls=(Call("get_weather", '{"city": "Paris"}', "c1"),), finish_reason="tool_calls"),
    Round("Wait.", calls=(Call("get_weather", "{}", "c1"), search_call("leave"))),
    Round("<", calls=(Call("get_weather", '{"input": "a \\"b\\" \\ud83e\\udd8a"}', "c1"),)),
)
_NAMES: Final = (
    "choices",
    "content",
    "content_type",
    "delta",
    "error",
    "finish_reason",
    "function",
    "id",
    "index",
    "message",
    "model",
    "name",
    "reasoning",
    "results",
    "role",
    "tool_calls",
    "usage",
)
_STATUSES: Final = (
    "200 OK",
    "204 No Content",
    "302 Found",
    "400 Bad Request",
    "401 Unauthorized",
    "404 Not Found",
    "408 Request Timeout",
    "429 Too Many Requests",
    "500 Internal Server Error",
    "503 Service Unavailable",
)
_HEADERS: Final = (
    "retry-after: 1",
    "retry-after: nan",
    "retry-after: 1e400",
    "content-encoding: gzip",
    "content-type: text/html",
    "location: /",
    "connection: close",
)


class Case(NamedTuple):
    sent: bytes
    replies: dict[str, list[bytes]]


def read_case(data: bytes) -> Case:
    sent, *rest = _VENDOR_LINE.split(data)
    replies: dict[str, list[bytes]] = {MODEL: [], SEARCH: []}
    for vendor, given in zip(rest[::2], rest[1::2], strict=True):
        replies[vendor.decode()].append(given)
    return Case(sent, replies)


def draw_case(random: Random) -> bytes:
    if random.random() < 0.3:
        return draw_connection(random)
    streams = random.random() < 0.7
    sent = _asking(random, streams=streams)
    if random.random() < 0.2:
        sent = broken_bytes(random, sent, 2)
    count = random.choice((1, 1, 2, 3))
    replies = [_model_reply(random, streams=streams) for _ in range(count)]
    parts = [sent, *(b"model ===\n" + each for each in replies)]
    if random.random() < 0.5:
        parts.append(b"search ===\n" + _search_reply(random))
    return b"\n=== ".join(parts)


def _asking(random: Random, *, streams: bool) -> bytes:
    """A request for an answer, on either API, now and then two."""
    is_chat = random.random() < 0.5
    body = _chat(random, streams=streams) if is_chat else _response(random)
    if streams:
        body["stream"] = True
    if random.random() < 0.2:
        body["lighton"] = {"retrieval": random.choice(("context", "off", "tool"))}
    path = CHAT if is_chat else RESPONSES
    return post(path, json.dumps(body).encode()) * random.choice((1, 1, 1, 2))


def _chat(random: Random, *, streams: bool) -> dict[str, Any]:
    body: dict[str, Any] = {"messages": [{"role": "user", "content": "How many days of leave?"}]}
    if streams and random.random() < 0.5:
        body["stream_options"] = {"include_usage": True}
    if random.random() < 0.5:
        body["tools"] = [_TOOL]
    return body


def _response(random: Random) -> dict[str, Any]:
    body: dict[str, Any] = {"input": "How many days of leave?"}
    if random.random() < 0.7:
        kind = random.choice(("function", "custom"))
        body["tools"] = [{"type": kind, "name": "get_weather"}]
    if random.random() < 0.3:
        body["tools"] = [*body.get("tools", ()), _FILE_SEARCH]
        body["include"] = ["file_search_call.results"]
    return body


def post(path: str, body: bytes) -> bytes:
    lines = (
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {KEY}",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join((*lines, "", "")).encode() + body


def _model_reply(random: Random, *, streams: bool) -> bytes:
    said = random.choice(_ROUNDS)
    if random.random() < 0.1:
        return _odd_reply(random, orjson.dumps(said.completion()))
    if not streams:
        return _document_reply(random, said.completion())
    events = [event(each) for each in said.chunks(lambda text: re.findall(r"\S+\s*", text))]
    body = b"".join(_broken_events(random, [*events, DONE]))
    return _spoiled(random, whole_reply(body, "text/event-stream"))


def _search_reply(random: Random) -> bytes:
    results = [result(f"c{n}", f"Leave is {n} days.", page_start=n) for n in range(1, 4)]
    if random.random() < 0.2:
        return _odd_reply(random, orjson.dumps({"results": results}))
    return _document_reply(random, {"results": results})


def _document_reply(random: Random, document: Any) -> bytes:
    if random.random() < 0.6:
        document = broken_document(random, document, _NAMES)
    body = json.dumps(document).encode()
    if random.random() < 0.2:
        body = broken_bytes(random, body)
    return _spoiled(random, whole_reply(body, "application/json"))


def _odd_reply(random: Random, body: bytes) -> bytes:
    headers = random.sample(_HEADERS, random.choice((0, 1, 2)))
    return _spoiled(random, reply(body, *headers, status=random.choice(_STATUSES)))


def _spoiled(random: Random, data: bytes) -> bytes:
    """Mostly as it is, for what is broken within is to be read; else broken as HTTP."""
    return broken_bytes(random, data, 2) if random.random() < 0.25 else data


def _broken_events(random: Random, events: list[bytes]) -> list[bytes]:
    """The events of a stream, of which some are missing, repeated, elsewhere, or other bytes."""
    for _ in range(random.choice((0, 1, 1, 2, 4))):
        place = random.randrange(len(events) or 1)
        before, here, after = events[:place], events[place : place + 1], events[place + 1 :]
        match random.randrange(5):
            case 0:
                here = []
            case 1:
                here *= random.choice((2, 3, 50))
            case 2:
                here = [broken_bytes(random, each) for each in here]
            case 3:
                here = [_other_event(random, each) for each in here]
            case _:
                here, after = after[:1], [*here, *after[1:]]
        events = [*before, *here, *after]
    return events


def _other_event(random: Random, data: bytes) -> bytes:
    """The event with another document: broken, or an error."""
    try:
        document = json.loads(data.removeprefix(b"data: "))
    except ValueError:
        return b": ping\n\n"
    if random.random() < 0.1 or not isinstance(document, dict):
        document = {"error": {"message": "no", "code": random.choice((400, "x", None))}}
    else:
        document = broken_document(random, document, _NAMES)
    return b"data: " + json.dumps(document).encode() + b"\n\n"
