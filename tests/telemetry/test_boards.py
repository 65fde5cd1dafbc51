"""What several processes show in sum."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from proxy.telemetry.board import Board, Key, Snapshot
from proxy.telemetry.boards import STALE_S, Boards, sums_of
from proxy.telemetry.series import ALL, BREAKER_STATE, QUEUE_LENGTH, RETRIES, ROUNDS

NOW = 1000.0
DNS = ("LightOn", "dns")


def test_counts_and_buckets_of_processes_add_up(tmp_path: Path) -> None:
    boards = [Board.at(tmp_path / str(place)) for place in range(2)]
    for each in boards:
        each.add(RETRIES, DNS, 2)
        each.observe(ROUNDS, ("/responses", "", "m"), 3)
    boards[1].add(RETRIES, ("LightOn", "reset"))
    sums = Boards(boards[0], tmp_path).read()
    for each in boards:
        each.close()
    assert sums[RETRIES] == {DNS: (4,), ("LightOn", "reset"): (1,)}
    assert sums[ROUNDS] == {("/responses", "", "m"): (0, 0, 2, 0, 0, 0, 0, 0, 0, 6)}


def test_the_only_process_reads_its_own_board() -> None:
    board = Board.alone()
    board.add(RETRIES, DNS)
    assert Boards(board).read()[RETRIES] == {DNS: (1,)}
    board.close()


def test_series_that_count_nothing_yet_are_there() -> None:
    assert Boards().read() == {each: {} for each in ALL}


def test_lengths_add_up_and_of_breakers_the_worst_state_counts() -> None:
    host = ("host", "a:443")
    shown = [
        Snapshot(NOW, {(QUEUE_LENGTH.name, ()): (n,), (BREAKER_STATE.name, host): (state,)})
        for n, state in ((1.0, 0.0), (2.0, 2.0), (4.0, 1.0))
    ]
    sums = sums_of(shown, NOW)
    assert (sums[QUEUE_LENGTH], sums[BREAKER_STATE]) == ({(): (7,)}, {host: (2,)})


def test_a_process_that_is_dead_has_counts_and_no_gauges() -> None:
    numbers: dict[Key, tuple[float, ...]] = {
        (QUEUE_LENGTH.name, ()): (3.0,),
        (RETRIES.name, DNS): (3.0,),
    }
    sums = sums_of([Snapshot(NOW - STALE_S, numbers), Snapshot(NOW - 1, numbers)], NOW)
    assert (sums[QUEUE_LENGTH], sums[RETRIES]) == ({(): (3,)}, {DNS: (6,)})


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 99))), st.integers(1, 4))
def test_it_does_not_matter_which_process_counts(
    counts: list[tuple[str, int]], processes: int
) -> None:
    shared: list[dict[str, int]] = [{} for _ in range(processes)]
    for at, (label, amount) in enumerate(counts):
        one = shared[at % processes]
        one[label] = one.get(label, 0) + amount
    snapshots = [
        Snapshot(NOW, {(RETRIES.name, ("", label)): (float(n),) for label, n in each.items()})
        for each in shared
    ]
    expected = {label: sum(n for each, n in counts if each == label) for label, _ in counts}
    found = {label: n for (_, label), (n,) in sums_of(snapshots, NOW)[RETRIES].items()}
    assert found == expected
