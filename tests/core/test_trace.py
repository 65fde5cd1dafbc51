from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.trace import Parent, Trace, read_parent

TRACE_ID, SPAN_ID = 0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7
GIVEN = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def read(parent: str, state: str = "") -> Parent | None:
    return read_parent({"traceparent": parent, "tracestate": state})


def test_a_request_names_the_span_of_its_client() -> None:
    assert read(GIVEN) == Parent(TRACE_ID, SPAN_ID, 1, "")
    assert read(f" {GIVEN} ") == Parent(TRACE_ID, SPAN_ID, 1, "")
    unsampled = read(GIVEN[:-1] + "0")
    assert unsampled is not None
    assert not unsampled.is_sampled


def test_what_later_versions_append_is_no_fault() -> None:
    later = "cc" + GIVEN[2:]
    assert read(later) == read(f"{later}-what-will-be") == read(GIVEN)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "ff" + GIVEN[2:],
        GIVEN[:-1],
        GIVEN + "0",
        GIVEN + "-more",
        f"{GIVEN}, {GIVEN}",
        "cc" + GIVEN[2:] + "0",
        GIVEN.upper(),
        "00-" + "0" * 32 + "-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01",
        GIVEN.replace("-", "_"),
    ],
)
def test_a_parent_that_cannot_be_read_is_none(given: str) -> None:
    assert read(given) is None


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a=1", "a=1"),
        ("a=1 , b@c=x y", "a=1,b@c=x y"),
        ("a=1,,b=2,", "a=1,b=2"),
        ("a=1,a=2", ""),
        ("a", ""),
        ("A=1", ""),
        ("a=1\x00", ""),
        ("a=é", ""),
        (",".join(f"k{n}=v" for n in range(33)), ""),
        ("a=" + "v" * 600, ""),
    ],
)
def test_a_state_is_kept_as_it_came_or_dropped_as_a_whole(given: str, kept: str) -> None:
    parent = read(GIVEN, given)
    assert parent is not None
    assert parent.state == kept


@given(st.text(), st.text())
def test_no_header_of_a_client_breaks_anything(parent: str, state: str) -> None:
    read(parent, state)
    assert read(GIVEN, state) is not None


def trace(parent: Parent | None = None, *, is_sampled: bool = True, is_told: bool = True) -> Trace:
    return Trace(TRACE_ID, 1, lambda: 2, parent, is_sampled=is_sampled, is_told=is_told)


def test_upstreams_hear_of_the_span_that_asks_them() -> None:
    assert trace().headers(SPAN_ID) == ((b"traceparent", GIVEN.encode()),)
    assert trace(is_sampled=False).headers(SPAN_ID) == (
        (b"traceparent", GIVEN[:-1].encode() + b"0"),
    )


def test_upstreams_hear_what_others_pass_on_and_whether_the_ids_are_random() -> None:
    parent = Parent(TRACE_ID, 7, 2, "a=1")
    told = (b"traceparent", GIVEN[:-1].encode() + b"3"), (b"tracestate", b"a=1")
    assert trace(parent).headers(SPAN_ID) == told


def test_upstreams_hear_of_no_trace_that_stays_here() -> None:
    assert trace(is_told=False).headers(SPAN_ID) == ()


@given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), st.booleans())
def test_what_is_told_is_read_again(trace_id: int, span_id: int, is_sampled: bool) -> None:  # noqa: FBT001 - hypothesis
    told = Trace(trace_id, 1, lambda: 2, is_sampled=is_sampled).headers(span_id)
    parent = read_parent({name.decode(): value.decode() for name, value in told})
    assert parent == Parent(trace_id, span_id, int(is_sampled), "")
