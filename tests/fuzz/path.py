"""The whole path over real sockets: broken requests from clients, broken replies from upstreams.

Whatever either of them sends, each whole request is answered once and in time, with what a client
can read: a completion, a stream that keeps every rule, or an error with a reason that is not the
proxy's own fault. Nothing stays open behind it, and the next good request is answered rightly.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from random import Random
from typing import Final

import httpx
import orjson

from proxy.app import create_app
from proxy.settings import Settings
from tests.fuzz.answers import CHAT, check_answer
from tests.fuzz.door import check_replies
from tests.fuzz.http_reading import Reading, Reply, Request, read_replies, read_requests
from tests.fuzz.path_cases import draw_case, post, read_case
from tests.fuzz.path_upstream import PathUpstream, path_upstream
from tests.fuzz.server import PATIENCE_S, RunningServer, read_until_answered, running
from tests.fuzz.upstream import ANSWER, KEY, answering_upstreams
from tests.support.openai_schema import check_error
from tests.support.openai_stream import check_stream

SILENCE_S: Final = 1.0
"""How long the proxy waits for an upstream that says nothing."""
_TRIES: Final = 5
"""On a busy machine our own upstream may be silent for as long."""
_MOST_KEPT: Final = 20
"""Connections to upstreams that may rest in the pool."""
_GOOD: Final = {"messages": [{"role": "user", "content": "How many days of leave?"}]}
_POLL_S: Final = 0.001


class Path:
    """A running proxy between us and an upstream that is ours, too."""

    name = "path"

    def __init__(self, server: RunningServer, upstream: PathUpstream) -> None:
        self.server = server
        self._upstream = upstream

    def draw(self, random: Random) -> bytes:
        return draw_case(random)

    def check(self, case: bytes) -> None:
        """Play the case, look at what is left of it, and then ask something good."""
        self.server.faults.lines.clear()
        sent, replies = read_case(case)
        self._upstream.give(replies)
        reading = read_requests(sent)
        data, has_ended = self._exchange(sent, reading)
        check_replies(data, reading, sent, has_ended=has_ended)
        methods = [each.method for each in reading.requests]
        answers, _ = read_replies(data, methods, has_ended=has_ended)
        for request, answer in zip(reading.requests, answers, strict=False):
            _check_answer(request, answer)
        self._check_leaks()
        self._upstream.give({})
        for body in (_GOOD, {**_GOOD, "stream": True}):
            self._check_good(post(CHAT, orjson.dumps(body)))
        self.server.faults.check()

    def _exchange(self, sent: bytes, reading: Reading) -> tuple[bytes, bool]:
        """Send it; what comes back until all is answered, and whether the server has closed."""
        with self.server.connected() as connection:
            with suppress(BrokenPipeError, ConnectionResetError):  # what came before is refused
                connection.sendall(sent)
            methods = [each.method for each in reading.requests]
            return read_until_answered(connection, methods, to_the_end=reading.closes)

    def _check_leaks(self) -> None:
        """Nothing goes on for a client that has gone, and what the pool keeps is bounded."""
        _until(lambda: not self.server.open_connections, "connections of clients stay open")
        _until(lambda: not self.server.running_requests, "requests run on")
        _until(lambda: not self._upstream.busy, "requests to upstreams stay open")
        kept = self._upstream.open_connections
        assert kept <= _MOST_KEPT, f"{kept} connections to upstreams are kept"

    def _check_good(self, request: bytes) -> None:
        reading = read_requests(request)
        for _ in range(_TRIES):
            data, _ = self._exchange(request, reading)
            (answer,), _ = read_replies(data, [b"POST"], has_ended=False)
            if answer.status != httpx.codes.GATEWAY_TIMEOUT:
                break
        _check_answer(reading.requests[0], answer)
        assert answer.status == 200, answer
        assert _content(answer) == ANSWER, answer


def _until(is_so: Callable[[], bool], otherwise: str) -> None:
    ends_at = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < ends_at, otherwise
        time.sleep(_POLL_S)


def _check_answer(request: Request, answer: Reply) -> None:
    """It is what was asked for, to its end, or an error that says why."""
    if request.method == b"POST" and answer.body:
        check_answer(request.path.decode(), request.body, answer.status, answer.body)
    elif request.method != b"HEAD" and answer.status >= 400 and answer.body:
        check_error(orjson.loads(answer.body))


def _content(answer: Reply) -> str:
    if not answer.body.startswith(b"data: "):
        content: str = orjson.loads(answer.body)["choices"][0]["message"]["content"]
        return content
    return "".join(each.get("content") or "" for each in check_stream(answer.body).deltas())


@contextmanager
def path() -> Iterator[Path]:
    with path_upstream(answering_upstreams()) as upstream:
        settings = Settings(
            lighton_base_url=upstream.url,
            lighton_api_key="k",
            scaleway_base_url=f"{upstream.url}/v1",
            scaleway_api_key="k",
            default_model="m",
            keep_warm_s=0,
            api_keys=(KEY,),
            search_cache_ttl=0,
            round_idle_s=SILENCE_S,
            search_timeout_s=SILENCE_S,
        )
        with running(create_app(settings)) as server:
            yield Path(server, upstream)
        _until(lambda: not upstream.open_connections, "the pool leaves connections open")
