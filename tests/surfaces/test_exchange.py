from __future__ import annotations

import time
from typing import Any

import pytest

from proxy.access.clients import ANYBODY, Client
from proxy.surfaces.exchange import begin_exchange, exchange_of, headers_of
from proxy.telemetry.facts import Failure
from tests.support.clock import skipping_clock


async def test_an_exchange_is_found_again_wherever_its_scope_goes() -> None:
    scope: dict[str, Any] = {"type": "http", "path": "//here"}
    begun = begin_exchange(scope, "req_1", {"x-a": "1"})
    begun.client = Client("ann")
    begun.status = 200
    found = exchange_of({**scope, "path": "/elsewhere"})
    assert found is begun
    assert (found.request_id, found.client, found.status) == ("req_1", Client("ann"), 200)
    assert (found.path, found.headers) == ("//here", {"x-a": "1"})


async def test_an_exchange_begins_when_its_request_comes() -> None:
    with skipping_clock() as clock:
        clock.skip(5)
        timeline = begin_exchange({"path": "/"}, "req_1", {}).timeline
        assert 0 <= clock.time() - timeline.began < 1
    assert abs(timeline.wall_ns_at(timeline.began) - time.time_ns()) < 10e9


def test_headers_are_read_in_lower_case_and_repeated_ones_joined() -> None:
    scope = {"headers": [(b"x-a", b"1"), (b"x-b", b"\xe9"), (b"x-a", b"2")]}
    assert headers_of(scope) == {"x-a": "1, 2", "x-b": "é"}


async def test_exchanges_share_nothing() -> None:
    first, second = [begin_exchange({"path": "/"}, each, {}) for each in ("req_1", "req_2")]
    first.client = Client("ann")
    first.failure = Failure("not_found")
    first.is_client_gone = True
    first.timeline.wait(1.0, is_first=True)
    assert second.client is ANYBODY
    assert (second.answer, second.failure, second.is_client_gone) == (None, None, False)
    assert second.timeline.waits == []


def test_a_request_that_no_exchange_was_begun_for_has_none() -> None:
    with pytest.raises(KeyError):
        exchange_of({"type": "http"})


def test_a_header_that_is_repeated_many_times_keeps_its_order_and_place() -> None:
    scope = {"headers": [(b"x-a", b"%d" % n) for n in range(4)] + [(b"x-b", b"z")]}
    assert list(headers_of(scope).items()) == [("x-a", "0, 1, 2, 3"), ("x-b", "z")]
