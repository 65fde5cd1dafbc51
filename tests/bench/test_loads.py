"""Loads: they count what they should, and a run that is not right is void."""

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bench import loads
from bench.effort import HELD
from bench.gateways import DIRECT
from bench.loads import (
    Place,
    VoidRunError,
    measure_answers,
    measure_one,
    measure_open,
    measure_streams,
)
from bench.script import Script
from bench.servers import Server, choose_cores, first_answer, started, upstream_launch

SCRIPT = Script(chunks=8)


@pytest.fixture
def place(upstream: Server) -> Place:
    port = upstream.find_port()
    assert port
    return Place(DIRECT, None, port, upstream, itertools.count())


@pytest.fixture
def place_of_another(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A gateway that answers rightly, but of itself: the upstream hears nothing of it."""
    folder = tmp_path_factory.mktemp("another")
    with started("another", upstream_launch(), folder, choose_cores().every) as server:
        first_answer(server, DIRECT, SCRIPT, place.numbers)
        port = server.find_port()
        assert port
        yield replace(place, server=server, port=port)


def test_answers_are_counted_and_bounded(place: Place) -> None:
    done = measure_answers(place, SCRIPT, at_once=2, seconds=10, most=7)
    assert done.count == 7
    assert done.usage.wall_s > 0
    assert measure_answers(place, SCRIPT, at_once=2, seconds=0, most=7).count == 0


@pytest.mark.parametrize("in_step", [True, False])
def test_streams_follow_each_other_and_have_their_times(place: Place, *, in_step: bool) -> None:
    done = measure_streams(
        place, Script(chunks=8, gap_s=0.001), streams=3, rounds=2, in_step=in_step
    )
    assert done.chunks == 3 * 2 * 8
    assert len(done.timings) == 6
    assert all(len(timing.gaps_s) == 5 for timing in done.timings)


def test_streams_are_open_while_they_are_looked_at(place: Place) -> None:
    looks = itertools.count(1)
    assert measure_open(place, HELD, streams=20, look=lambda: next(looks)) == 1
    assert next(looks) == 2


def test_one_answer_is_timed(place: Place) -> None:
    assert measure_one(place, SCRIPT).first_s > 0


def test_a_reply_that_is_not_as_expected_makes_the_run_void(place: Place) -> None:
    wants_citations = replace(place, subject=replace(DIRECT, searches=True))
    with pytest.raises(VoidRunError, match="text"):
        measure_answers(wants_citations, SCRIPT, at_once=1, seconds=10, most=1)
    with pytest.raises(VoidRunError, match="text"):
        measure_streams(wants_citations, SCRIPT, streams=1, rounds=1, in_step=False)
    with pytest.raises(VoidRunError, match="text"):
        measure_one(wants_citations, SCRIPT)


def test_answers_that_the_upstream_was_not_asked_for_make_the_run_void(
    place_of_another: Place,
) -> None:
    with pytest.raises(VoidRunError, match="the upstream had"):
        measure_answers(place_of_another, SCRIPT, at_once=1, seconds=10, most=1)
    with pytest.raises(VoidRunError, match="the upstream had"):
        measure_streams(place_of_another, SCRIPT, streams=1, rounds=1, in_step=False)


def test_a_server_that_is_not_there_makes_the_run_void(place: Place) -> None:
    nobody = replace(place, port=1)
    with pytest.raises(VoidRunError):
        measure_answers(nobody, SCRIPT, at_once=1, seconds=10, most=1)
    with pytest.raises(VoidRunError):
        measure_one(nobody, SCRIPT)


def test_a_run_that_does_not_end_is_void(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loads, "LIMIT_S", 0.05)
    endless = Script(chunks=8, gap_s=9.0)
    with pytest.raises(VoidRunError, match="did not end"):
        measure_streams(place, endless, streams=1, rounds=1, in_step=False)
