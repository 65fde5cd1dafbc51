"""What the benchmark measures: a gateway and a way to ask it make a column of the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson

from bench.apis import CHAT, Api
from bench.checks import Expected
from bench.script import Script, question
from bench.sockets import HOST

LOOP_HOPS: Final = 3
"""A model round that calls the search, the search, and the round that answers."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A column of the table."""

    name: str
    gateway: str
    """The name of the gateway to ask; "" for the upstream itself."""
    api: Api = CHAT
    path: str = CHAT.path
    headers: Mapping[str, str] = field(default_factory=dict)
    """`{upstream}` in a value stands for the upstream's address."""
    model_prefix: str = ""
    searches: bool = False
    """Whether an answer takes the loop: two model rounds and a search."""

    @property
    def hops(self) -> int:
        """Upstream requests for one answer."""
        return LOOP_HOPS if self.searches else 1

    def beside(self, upstream: str) -> Subject:
        """The subject, with the upstream's address in the headers that need it."""
        headers = {name: text.format(upstream=upstream) for name, text in self.headers.items()}
        return replace(self, headers=headers)

    def expects(self, script: Script) -> Expected:
        return Expected(script, cited=self.searches, api=self.api)

    def delay_s(self, script: Script) -> float:
        """How long the upstream itself takes until the first token of a streamed answer."""
        return script.loop_s if self.searches else script.first_s

    def request(self, port: int, script: Script, number: int, *, stream: bool = False) -> bytes:
        """A request like a chat client's. Use no number twice."""
        model = self.model_prefix + script.model
        body = self.api.body(model, question(script, number), stream=stream)
        return post(port, self.path, body, self.headers)


def post(port: int, path: str, body: Any, headers: Mapping[str, str] | None = None) -> bytes:
    """A JSON request in HTTP/1.1."""
    content = orjson.dumps(body)
    lines = {
        "host": f"{HOST}:{port}",
        "content-type": "application/json",
        "content-length": str(len(content)),
        **(headers or {}),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + content
