"""What applications that follow each other share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from proxy.access.rules import Rules
from proxy.foundation import Foundation, Outside, lay
from proxy.settings import Settings
from proxy.surfaces.parts import Parts, Share
from proxy.telemetry.board import Board
from proxy.telemetry.boards import Boards


def outside(boards: Boards | None = None) -> Outside:
    return Outside({}, int, None, None, Rules(()), boards)


@pytest.fixture
async def parts() -> AsyncIterator[Parts]:
    made = Parts()
    yield made
    await made.aclose()


@pytest.fixture
def boards() -> Iterator[Boards]:
    board = Board.alone()
    yield Boards(board)
    board.close()


def laid(parts: Parts, boards: Boards | None = None, **more: Any) -> Foundation:
    return lay(outside(boards), Settings(**more), Share(parts))


async def test_with_the_same_settings_all_is_shared(parts: Parts, boards: Boards) -> None:
    first, second = (laid(parts, boards, max_concurrent_model_requests=3) for _ in range(2))
    for name in ("store", "of_responses", "counters", "queue", "gauges", "inflight"):
        assert getattr(first, name) is getattr(second, name)
        assert getattr(first, name) is not None
    assert first.common == second.common


@pytest.mark.parametrize(
    ("changed", "renewed"),
    [
        ({"state_max_bytes": 10_000}, {"store", "of_responses", "counters", "queue"}),
        ({"scaleway_api_key": "other"}, {"queue"}),
        ({"breaker_failures": 9}, {"common"}),
        ({"max_inflight_bytes": 10**9}, set()),
    ],
    ids=["room", "models", "breaker", "memory"],
)
async def test_what_depends_on_a_setting_is_made_anew_and_the_rest_stays(
    parts: Parts, changed: dict[str, Any], renewed: set[str]
) -> None:
    given: dict[str, Any] = {"max_concurrent_model_requests": 3, "scaleway_api_key": "one"}
    first, second = laid(parts, **given), laid(parts, **{**given, **changed})
    names = ("store", "of_responses", "counters", "queue")
    differing = {each for each in names if getattr(first, each) is not getattr(second, each)}
    differing |= {"common"} if first.common != second.common else set()
    assert differing == renewed
    assert first.inflight is second.inflight


async def test_in_memory_responses_push_out_nothing_else(parts: Parts) -> None:
    base = laid(parts, state_max_bytes=20_000)
    await base.store.write("turn", b"kept", 60)
    for number in range(100):
        await base.of_responses.write(f"response {number}", b"x" * 1_000, 60)
    assert await base.store.read(["turn"]) == {"turn": b"kept"}


async def test_without_a_limit_there_is_no_queue_and_without_a_board_nobody_counts(
    parts: Parts,
) -> None:
    base = laid(parts, max_concurrent_model_requests=0)
    assert (base.queue, base.gauges, base.common.counts) == (None, None, None)


async def test_what_goes_on_takes_the_new_rules_only_when_it_is_told(parts: Parts) -> None:
    laid(parts, max_concurrent_model_requests=3).take(
        Settings(max_concurrent_model_requests=3, max_inflight_bytes=10**8)
    )
    later = laid(parts, max_concurrent_model_requests=5)
    assert later.queue is not None
    assert (later.queue.line.slots, later.inflight.most) == (3, 10**8)
    later.take(Settings(max_concurrent_model_requests=5, max_inflight_bytes=10**9))
    assert (later.queue.line.slots, later.inflight.most) == (5, 10**9)
