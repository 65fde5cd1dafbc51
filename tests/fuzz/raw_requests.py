"""What clients and attackers send to an HTTP server: connections of one request or several."""

from __future__ import annotations

import json
from random import Random
from typing import Final

from tests.fuzz.mutation import broken_bytes, cut
from tests.fuzz.upstream import KEY

_AUTH: Final = b"Authorization: Bearer " + KEY.encode()
_INNER: Final = b"GET /v1/models/inner HTTP/1.1\r\nHost: x\r\n" + _AUTH + b"\r\n\r\n"
_CHAT: Final = json.dumps({"messages": [{"role": "user", "content": "Hi"}]}).encode()
_STREAM: Final = _CHAT[:-1] + b', "stream": true}'
_RESPONSE: Final = b'{"input": "Hi", "stream": true}'
_BODIES: Final = (
    b"",
    _CHAT,
    _CHAT,
    _STREAM,
    _RESPONSE,
    _INNER,
    _INNER * 2,
    b"x" * 5_000,
    _CHAT + _INNER,
)
_LINES: Final = (
    b"GET /health",
    b"GET /v1/models",
    b"HEAD /health",
    b"OPTIONS /v1/models",
    b"POST /v1/chat/completions",
    b"POST /v1/chat/completions",
    b"POST /v1/chat/completions",
    b"POST /v1/responses",
    b"POST /nowhere?a=b",
    b"PUT /v1/models",
)
_OFFERS: Final = (
    (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: eHh4eHh4eHh4eHh4eHh4eA=="),
    (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQ"),
    (b"connection: keep-alive, upgrade", b"upgrade: anything/1"),
    (b"Upgrade: TLS/1.0", b"Connection: upgrade"),
)
_EXTRAS: Final = (
    b"Accept: */*",
    b"Expect: 100-continue",
    b"X-Long: " + b"y" * 3_000,
    b"Cookie: a=b; c=d",
    b"Connection: keep-alive",
    b"Origin: http://localhost",
    b"Keep-Alive: timeout=5",
    b"TE: trailers",
)
_ODD_HEADERS: Final = (
    b"Content-Length: 5",
    b"Content-Length: +5",
    b"Content-Length: 0x5",
    b"Content-Length: 99999999999999999999",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding : chunked",
    b" folded: line",
    b"no colon",
    b"Nul: a\x00b",
    b"Bare: a\nGET /v1/models/inner HTTP/1.1",
    b": empty",
    b"Host: y",
    b"Many: x\r\n" * 150 + b"Many: x",
    b"Huge: " + b"x" * 70_000,
)
_ODD_STARTS: Final = (
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"CONNECT localhost:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET http://localhost/health HTTP/1.1\r\nHost: x\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /health\r\n\r\n",
    b"GET /health HTTP/3.0\r\n\r\n",
    b"BREW /health HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\r\n\r\n",
    b"\x00" * 20,
)


def draw_connection(random: Random) -> bytes:
    """All that one client sends: often what it should, sometimes broken."""
    data = b"".join(_request(random) for _ in range(random.choice((1, 1, 2, 3, 6))))
    if random.random() < 0.1:
        data = random.choice(_ODD_STARTS) + data
    if random.random() < 0.3:
        data = broken_bytes(random, data, 2)
    return data


def _request(random: Random) -> bytes:
    line = random.choice(_LINES)
    head = [line + (b" HTTP/1.1" if random.random() < 0.95 else b" HTTP/1.0"), b"Host: localhost"]
    if random.random() < 0.9:
        head.append(_AUTH)
    if random.random() < 0.3:
        head += random.choice(_OFFERS)
    head += random.sample(_EXTRAS, random.choice((0, 0, 1, 3)))
    body = random.choice(_BODIES) if line.startswith(b"P") else b""
    if random.random() < 0.4 and body and head[0].endswith(b"1.1"):
        head.append(b"Transfer-Encoding: chunked")
        body = _chunked(random, body)
    elif body or random.random() < 0.2:
        head.append(b"Content-Length: %d" % len(body))
    if random.random() < 0.1:
        head.append(random.choice(_ODD_HEADERS))
    random.shuffle(rest := head[1:])
    return b"\r\n".join([head[0], *rest]) + b"\r\n\r\n" + body


def _chunked(random: Random, body: bytes) -> bytes:
    extension = random.choice((b"", b"", b";a=b", b' ;a="b c"'))
    chunks = [b"%x%b\r\n%b\r\n" % (len(e), extension, e) for e in cut(random, body, 4) if e]
    return b"".join(chunks) + b"0\r\n" + random.choice((b"", b"", b"X-Trailer: 1\r\n")) + b"\r\n"
