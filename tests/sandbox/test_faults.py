import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from starlette.requests import HTTPConnection

from proxy.sandbox.faults import SCOPE_KEY, Dropped, Fault, Faults, fault_of, forever, interrupted

ERROR = b"error"


def test_a_fault_strikes_its_upstream_once() -> None:
    faults = Faults()
    faults.add("lighton", status=503)
    assert faults.take("scaleway", "/v1/models").status is None
    assert faults.take("lighton", "/api/v3/search").status == 503
    assert faults.take("lighton", "/api/v3/search") == Fault(upstream="lighton")


def test_a_fault_strikes_as_often_as_it_says_and_counts_down() -> None:
    faults = Faults()
    faults.add("lighton", status=503, times=2)
    faults.take("lighton", "/")
    assert [fault.times for fault in faults.armed()] == [1]
    assert faults.take("lighton", "/").status == 503
    assert faults.armed() == []


def test_a_fault_without_a_number_of_times_strikes_until_it_is_cleared() -> None:
    faults = Faults()
    faults.add("lighton", status=503, times=0)
    assert [faults.take("lighton", "/").status for _ in range(3)] == [503] * 3
    faults.clear()
    assert faults.take("lighton", "/").status is None


def test_faults_strike_in_the_order_in_which_they_were_armed() -> None:
    faults = Faults()
    faults.arm(Fault(upstream="scaleway", status=status) for status in (429, 500))
    assert [faults.take("scaleway", "/").status for _ in range(3)] == [429, 500, None]


def test_a_fault_can_be_kept_for_one_path() -> None:
    faults = Faults()
    faults.add("scaleway", path="/chat/completions", status=500)
    assert faults.take("scaleway", "/v1/models").status is None
    assert faults.take("scaleway", "/p/v1/chat/completions").status == 500


@pytest.mark.parametrize(
    "fields", [{"after_chunks": 0}, {"error_in_stream": True}, {"chunk_delay_s": 0.5}]
)
def test_a_fault_of_a_stream_waits_for_a_request_that_can_be_one(fields: dict[str, Any]) -> None:
    faults = Faults()
    fault = faults.add("scaleway", **fields)
    assert faults.take("scaleway", "/v1/models") == Fault(upstream="scaleway")
    assert faults.take("scaleway", "/v1/chat/completions") == fault


@pytest.mark.parametrize("fields", [{"statsu": 1}, {"status": 200}, {"shape": 5}, {"times": -1}])
def test_a_fault_that_makes_no_sense_is_refused(fields: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Faults().add("lighton", **fields)


def test_a_fault_does_nothing_by_itself() -> None:
    fields = Fault(upstream="lighton").model_dump(exclude={"upstream"})
    assert {name: value for name, value in fields.items() if value} == {
        "times": 1,
        "shape": 1,
        "content_type": "application/json",
    }


def test_a_request_knows_its_fault() -> None:
    fault = Fault(upstream="lighton", hang=True)
    assert fault_of(HTTPConnection({"type": "http", SCOPE_KEY: fault})) is fault


async def chunks(count: int = 3) -> AsyncIterator[bytes]:
    for number in range(count):
        yield str(number).encode()


async def passed_on(fault: Fault, count: int = 3) -> list[bytes]:
    return [chunk async for chunk in interrupted(chunks(count), fault, error=ERROR)]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(upstream="scaleway"), [b"0", b"1", b"2"]),
        (Fault(upstream="scaleway", after_chunks=0), []),
        (Fault(upstream="scaleway", after_chunks=2), [b"0", b"1"]),
        (Fault(upstream="scaleway", after_chunks=9), [b"0", b"1", b"2"]),
        (Fault(upstream="scaleway", error_in_stream=True), [ERROR]),
        (
            Fault(upstream="scaleway", after_chunks=9, error_in_stream=True),
            [b"0", b"1", b"2"],
        ),
        (Fault(upstream="scaleway", after_chunks=1, error_in_stream=True), [b"0", ERROR]),
        (
            Fault(upstream="scaleway", after_chunks=3, error_in_stream=True),
            [b"0", b"1", b"2", ERROR],
        ),
        (Fault(upstream="scaleway", chunk_delay_s=0.001), [b"0", b"1", b"2"]),
    ],
)
async def test_a_stream_ends_where_its_fault_says(fault: Fault, expected: list[bytes]) -> None:
    assert await passed_on(fault) == expected


async def test_a_stream_can_be_dropped_in_the_middle() -> None:
    fault = Fault(upstream="scaleway", after_chunks=1, disconnect=True)
    stream = interrupted(chunks(), fault, error=ERROR)
    assert await anext(stream) == b"0"
    with pytest.raises(Dropped):
        await anext(stream)


async def test_a_stream_can_stall_and_be_cancelled() -> None:
    stream = interrupted(
        chunks(), Fault(upstream="scaleway", after_chunks=1, hang=True), error=ERROR
    )
    assert await anext(stream) == b"0"
    stalled = asyncio.ensure_future(anext(stream))
    done, _ = await asyncio.wait([stalled], timeout=0.01)
    assert not done
    stalled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stalled


async def test_a_stream_waits_before_each_chunk() -> None:
    stream = interrupted(chunks(), Fault(upstream="scaleway", chunk_delay_s=3600), error=ERROR)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(stream), 0.01)


async def test_forever_ends_only_by_cancelling() -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(forever(), 0.01)


def test_the_page_lists_every_field_of_a_fault() -> None:
    page = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text(encoding="utf-8")
    for name, field in Fault.model_fields.items():
        said = field.description or "`lighton` or `scaleway`"
        assert f"| `{name}` | {said} |\n" in page
