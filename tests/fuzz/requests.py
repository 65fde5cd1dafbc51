"""Requests within the process: whatever one holds, it is answered or refused, with a reason.

A case is a line with the method, the path and perhaps a header, and a body.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Any, Final, NamedTuple

from proxy.app import Proxy
from tests.fuzz.answers import check_answer
from tests.fuzz.mutation import broken_bytes, broken_document, strange_value, written
from tests.fuzz.upstream import KEY
from tests.support.asgi import Answer, ask
from tests.upstreams.raw_server import PATIENCE_S

_HEADERS: Final = ("x-lighton-workspace-id", "x-lighton-retrieval")
_HEADER_VALUES: Final = (
    "42",
    "42,43",
    "tool",
    "off",
    "",
    ",",
    "-1",
    "1e3",
    "9" * 40,
    "é",
    "٣",
)
_REFUSALS: Final = (400, 403, 404, 405, 413, 422)


class Good(NamedTuple):
    """A request that is right, until it is broken."""

    line: str
    document: Any = None
    """Its body; None if it has none."""

    @property
    def case(self) -> bytes:
        body = b"" if self.document is None else written(self.document)
        return self.line.encode() + b"\n" + body


class Sent(NamedTuple):
    """A case, read."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def _read(case: bytes) -> Sent:
    """A case as a request. What is not understood of its line, as in a cut one, is left out."""
    line, _, body = case.partition(b"\n")
    method, path, header, *_ = [*line.decode("utf-8", "replace").split(" "), "", "", ""]
    name, _, value = header.partition(":")
    headers = {name.lower(): value} if name.lower() in _HEADERS else {}
    return Sent(method, path, headers, body)


class Requests:
    """Requests of some kinds to a proxy. `names` are fields to put in."""

    def __init__(
        self,
        runner: asyncio.Runner,
        app: Proxy,
        name: str,
        good: Sequence[Good],
        names: Sequence[str],
    ) -> None:
        self.name = name
        self._runner = runner
        self._app = app
        self.good = good
        self._names = names

    def draw(self, random: Random) -> bytes:
        line, document = random.choice(self.good)
        body = b""
        if document is None:
            line = self._broken_address(random, line)
        else:
            body = self._broken_body(random, document)
        if random.random() < 0.2:
            line += f" {random.choice(_HEADERS)}:{random.choice(_HEADER_VALUES)}"
        return line.encode("utf-8", "replace") + b"\n" + body

    def read(self, case: bytes) -> Sent:
        return _read(case)

    def check(self, case: bytes) -> None:
        sent = self.read(case)
        answer = self.asked(sent)
        if sent.method == "POST":
            check_answer(sent.path, sent.body, answer.status, answer.body)

    def asked(self, sent: Sent) -> Answer:
        """The answer to a request. It must be one, or a refusal that is the client's own fault."""
        answer = self._runner.run(self._ask(sent))
        assert answer.status == 200 or answer.status in _REFUSALS, (
            f"{answer.status}: {answer.body!r}"
        )
        return answer

    async def _ask(self, sent: Sent) -> Answer:
        headers = {"authorization": f"Bearer {KEY}", **sent.headers}
        async with asyncio.timeout(PATIENCE_S):
            return await ask(
                self._app, sent.path, method=sent.method, headers=headers, content=sent.body
            )

    def _broken_body(self, random: Random, document: Any) -> bytes:
        if random.random() < 0.95:
            document = broken_document(random, document, self._names)
        elif random.random() < 0.5:
            document = strange_value(random)
        body = written(document)
        if random.random() < 0.2:
            body = broken_bytes(random, body)
        if random.random() < 0.02:
            depth = random.choice((100, 250, 1_000, 5_000))
            deep = b"[" * depth + b"]" * depth
            body = b'{"%b": %b}' % (random.choice(self._names).encode(), deep)
        return body

    def _broken_address(self, random: Random, line: str) -> str:
        """The line with an address that is broken, mostly in its query. It stays one line."""
        whole, mark, broken = line.rpartition("?" if random.random() < 0.7 else "/v1/")
        data = broken_bytes(random, broken.encode(), 2)
        return whole + mark + data.decode("utf-8", "replace").replace(" ", "+").replace("\n", "+")
