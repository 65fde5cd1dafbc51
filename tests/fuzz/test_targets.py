"""A short seeded part of `make fuzz`, and that each target finds a fault where there is one."""

import re
from typing import Any

import pytest
import uvicorn

from proxy.core import chat, kept, sse, store_search
from proxy.core.responses import tools
from proxy.core.responses.thoughts import ThoughtsItem
from proxy.upstreams.scaleway import frames as scaleway_frames
from tests.fuzz import server as server_module
from tests.fuzz.door import door
from tests.fuzz.requests import Requests
from tests.fuzz.runner import Bounds, fault_of, run
from tests.fuzz.targets import TARGETS
from tests.fuzz.upstream import KEY

SEED = 1
# The whole path has its test among those from end to end.
CASES = {
    "sse": 3_000,
    "frames": 2_000,
    "request": 3_000,
    "responses": 600,
    "others": 1_000,
    "http": 300,
}


@pytest.mark.parametrize("name", CASES)
def test_it_stands_whatever_is_sent(name: str) -> None:
    with TARGETS[name]() as target:
        _, failure = run(target, SEED, Bounds(CASES[name]))
    if failure:
        options = f"--only {name} --seed {SEED} --number {failure.number}"
        pytest.fail(f'make fuzz ARGS="{options}"\n{failure.fault!r}\n{failure.smaller[:2_000]!r}')


@pytest.mark.parametrize("name", ["request", "responses", "others"])
def test_a_request_is_answered_until_it_is_broken(name: str) -> None:
    with TARGETS[name]() as target:
        assert isinstance(target, Requests)
        for good in target.good:
            answer = target.asked(target.read(good.case))
            assert answer.status == 200, f"{good.line}: {answer.body!r}"


@pytest.mark.parametrize(
    ("name", "module", "function", "broken"),
    [
        ("sse", sse, "_LINE_END", re.compile(rb"\n|\r")),
        ("frames", scaleway_frames, "_unescaped", lambda data: data.decode(errors="replace")),
        ("frames", scaleway_frames, "_text_alone", lambda _: scaleway_frames._PROBE),
        ("request", chat, "_check_call", lambda *_: None),
        ("request", kept, "text_of", lambda content: content.strip()),
        ("responses", tools, "_name", lambda tool, _: tool["name"]),
        ("responses", ThoughtsItem, "end", lambda _: None),
        ("others", store_search, "_queries", lambda given, _: tuple(given)),
    ],
)
def test_a_fault_is_found(
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    module: Any,
    function: str,
    broken: Any,
) -> None:
    monkeypatch.setattr(module, function, broken)
    with TARGETS[name]() as target:
        _, failure = run(target, SEED, Bounds(CASES[name]))
    assert failure


def plain_server(app: Any, log_level: str, *, grace_s: int) -> uvicorn.Config:
    """One with uvicorn's own protocol class, which reads a body after an offer as requests."""
    return uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        log_config=None,
        log_level=log_level,
        timeout_graceful_shutdown=grace_s,
    )


def test_a_body_that_is_obeyed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "server_config", plain_server)
    inner = f"GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n\r\n"
    offer = "Connection: Upgrade\r\nUpgrade: anything\r\n"
    head = f"POST /nowhere HTTP/1.1\r\nHost: x\r\n{offer}Content-Length: {len(inner)}\r\n\r\n"
    with door() as target:
        # They are cut in different places, by what they say.
        cases = [head.replace("nowhere", f"nowhere/{number}") + inner for number in range(10)]
        faults = [str(fault_of(target, case.encode())) for case in cases]
    assert any(each.startswith("these were heard, but not sent as requests") for each in faults)
