"""A short seeded part of `make fuzz ARGS="--only path"`, and that it finds faults and hangs."""

from __future__ import annotations

import pytest

from proxy.upstreams.scaleway import replies
from tests.fuzz import path as path_module
from tests.fuzz import server
from tests.fuzz.path import path
from tests.fuzz.path_cases import post, read_case
from tests.fuzz.runner import Bounds, draw, fault_of, run

SEED = 1
CASES = 200
ASKED = post("/v1/chat/completions", b'{"messages": [{"role": "user", "content": "Hi"}]}')
NEVER_ENDS = b"\n=== model ===\nHTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n%b"


def test_whatever_is_sent_each_request_is_answered_and_nothing_stays_behind() -> None:
    with path() as target:
        _, failure = run(target, SEED, Bounds(CASES))
    if failure:
        options = f"--only path --seed {SEED} --number {failure.number}"
        pytest.fail(f'make fuzz ARGS="{options}"\n{failure.fault!r}\n{failure.smaller[:2_000]!r}')


def test_a_fault_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "_is_chunk", lambda _: True)
    with path() as target:
        assert any(fault_of(target, draw(target, SEED, number)) for number in range(CASES))


def test_a_connection_that_stays_open_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    with path() as target, target.server.connected(), monkeypatch.context() as hasty:
        hasty.setattr(path_module, "PATIENCE_S", 0.5)
        assert "stay open" in str(fault_of(target, ASKED))


def test_a_request_that_hangs_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(path_module, "SILENCE_S", 60)
    with path() as target, monkeypatch.context() as hasty:
        hasty.setattr(server, "PATIENCE_S", 0.5)
        # How each ends is drawn from its bytes: one of these stays open.
        faults = [fault_of(target, ASKED + NEVER_ENDS % bytes([65 + n])) for n in range(20)]
    assert any("no reply within" in str(each) for each in faults)


def test_a_case_that_is_cut_anywhere_is_still_a_case() -> None:
    case = ASKED + NEVER_ENDS % b"a" + b"\n=== search ===\n{}"
    assert read_case(case).replies["search"] == [b"{}"]
    for place in range(len(case)):
        read_case(case[:place])
        read_case(case[place:])
