"""The proxy between a client and upstreams that fail, all on real sockets, and what was seen."""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import orjson

from proxy.app import create_app
from proxy.commands.serving import door_limits, server_config
from proxy.errors import UpstreamError
from proxy.settings import Settings
from proxy.upstreams.http.retry_policy import RetryPolicy
from tests.faults.upstream import StagedUpstream
from tests.support.clock import Clock, skipping_clock
from tests.support.server import serving
from tests.upstreams.raw_server import PATIENCE_S, raw_server
from tests.upstreams.secure_server import AUTHORITY, write_authority

ASKED = {"messages": [{"role": "user", "content": "How many days of leave do I have?"}]}
_DESCRIPTORS = Path("/proc/self/fd")
_TURNS = 100
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Costs nothing to make, as one with the system's authorities does."""


@dataclass(frozen=True)
class Seen:
    """What became of one request."""

    status: int
    code: str = ""
    """The error's, or its type."""
    in_stream: bool = False
    """The error was a stream's last event."""
    retry_after: str = ""
    should_retry: str = ""
    ungrounded: bool = False
    sent: int = 0
    """How often the upstream got the request that fails."""
    cause: str = ""
    """As the log has it."""

    @property
    def outcome(self) -> str:
        if self.in_stream:
            return "event"
        return f"{self.status} ungrounded" if self.ungrounded else str(self.status)


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._came = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self._came.set()

    def all(self) -> list[str]:
        """The lines since the last call."""
        lines, self.lines = self.lines, []
        return lines

    async def one(self) -> str:
        """The only line since the last call, once it has come."""
        async with asyncio.timeout(PATIENCE_S):
            while not self.lines:
                self._came.clear()
                await self._came.wait()
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        assert len(self.lines) == 1, self.lines
        return self.lines.pop()


@dataclass
class Stage:
    """The upstreams, proxies with any settings in front of them, and their log."""

    model: StagedUpstream
    search: StagedUpstream
    log: _Lines
    clock: Clock
    urls: Mapping[str, str]
    _proxies: dict[str, str] = field(default_factory=dict)
    _running: list[AbstractAsyncContextManager[str]] = field(default_factory=list)

    async def proxy(self, **settings: Any) -> str:
        """The URL of a proxy with these settings: a new one if there is none yet."""
        named = repr(sorted(settings.items()))
        if named not in self._proxies:
            made = Settings(**{**self.urls, **_SETTINGS, **settings})
            config = server_config(create_app(made), "error", limits=door_limits(made), grace_s=1)
            running = serving(config)
            self._proxies[named] = await running.__aenter__()
            self._running.append(running)
        return self._proxies[named]

    async def stop(self) -> None:
        """End all proxies together: each takes a while."""
        _ = await asyncio.gather(*(each.__aexit__(None, None, None) for each in self._running))

    async def ask(self, url: str, *, stream: bool) -> Seen:
        """Ask, and see that there is one line in the log, and that nothing stays behind."""
        before = asyncio.all_tasks()
        descriptors = open_descriptors()
        seen = await _asked(url, stream=stream)
        line = await self.log.one()
        await nothing_stays(before, descriptors)
        cause = re.search(r"\bcause=(\S+)", line)
        return Seen(**{**vars(seen), "cause": cause[1] if cause else ""})


def open_descriptors() -> int:
    """How many descriptors this process has open."""
    return len(list(_DESCRIPTORS.iterdir()))


async def nothing_stays(before: set[asyncio.Task[Any]], descriptors: int) -> None:
    """Wait for tasks and descriptors that are not of `before`. Raises AssertionError."""
    while left := asyncio.all_tasks() - before - {asyncio.current_task()}:
        done, _ = await asyncio.wait(left, timeout=PATIENCE_S)
        assert done, f"tasks stay behind: {left}"
    for _ in range(_TURNS):
        if open_descriptors() <= descriptors:
            return
        await asyncio.sleep(0)
    raise AssertionError("descriptors stay open")


_SETTINGS: Mapping[str, Any] = {
    "scaleway_api_key": "a-key-of-scaleway",
    "lighton_api_key": "a-key-of-lighton",
    "keep_warm_s": 0,
    "search_cache_ttl": 0,
    # Each row for itself: what breaker and queue do has tests of its own.
    "breaker_failures": 0,
    "max_concurrent_model_requests": 0,
}


async def _asked(url: str, *, stream: bool) -> Seen:
    # A connection for each request: none is kept that could look like a leak.
    async with httpx.AsyncClient(
        base_url=url, timeout=10 * PATIENCE_S, trust_env=False, verify=_NO_TLS
    ) as client:
        answer = await client.post("/v1/chat/completions", json={**ASKED, "stream": stream})
    return read(answer)


def read(answer: httpx.Response) -> Seen:
    """What a client sees. Raises AssertionError for a reply that no client can read."""
    in_stream = answer.headers["content-type"].startswith("text/event-stream")
    document = _last(answer.text) if in_stream else answer.json()
    error = document.get("error") or {}
    assert error or "choices" in document, document
    return Seen(
        answer.status_code,
        error.get("code") or error.get("type") or "",
        in_stream and bool(error),
        answer.headers.get("retry-after", ""),
        answer.headers.get("x-should-retry", ""),
        '"ungrounded":true' in answer.text,
    )


def _last(text: str) -> Any:
    """A stream's last document. It is an error, or else [DONE] follows."""
    events = [each for each in text.split("\n\n") if each.startswith("data: ")]
    is_whole = events[-1] == "data: [DONE]"
    document = orjson.loads(events[-2 if is_whole else -1].removeprefix("data: "))
    assert ("error" in document) != is_whole, text
    return document


@asynccontextmanager
async def staged() -> AsyncIterator[Stage]:
    """Everything that the rows of the table share. No wait before a retry takes any time."""
    log = _Lines()
    access = logging.getLogger("proxy.access")
    level = access.level
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(mock.patch.object(RetryPolicy, "wait_s", _without_waiting()))
        clock = stack.enter_context(skipping_clock())
        model, search = StagedUpstream(), StagedUpstream()
        urls = {
            "scaleway_base_url": (await stack.enter_async_context(raw_server(model.script))).url
            + "/v1",
            "lighton_base_url": (await stack.enter_async_context(raw_server(search.script))).url,
            "ca_file": write_authority(AUTHORITY, folder),
        }
        access.setLevel(logging.INFO)
        access.addHandler(log)
        stack.callback(access.setLevel, level)
        stack.callback(access.removeHandler, log)
        stage = Stage(model, search, log, clock, urls)
        stack.push_async_callback(stage.stop)
        yield stage


def _without_waiting() -> Any:
    """The policy's rule, which still decides whether to retry."""
    rule = RetryPolicy.wait_s

    def wait_s(
        self: RetryPolicy, retried: int, error: UpstreamError, left_s: float
    ) -> float | None:
        return None if rule(self, retried, error, left_s) is None else 0.0

    return wait_s
