"""Numbers that outlive the process that counts them."""

from __future__ import annotations

import mmap
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.telemetry.board import Board, read_board
from proxy.telemetry.series import (
    BREAKER_STATE,
    OPEN_STREAMS,
    QUEUE_LENGTH,
    RETRIES,
    ROUNDS,
)

texts = st.text(max_size=12)


@pytest.fixture
def board() -> Iterator[Board]:
    made = Board.alone()
    yield made
    made.close()


def test_what_was_added_is_read(board: Board) -> None:
    board.add(RETRIES, ("LightOn", "dns"))
    board.add(RETRIES, ("LightOn", "dns"), 2.5)
    board.add(RETRIES, ("LightOn", "reset"))
    assert board.read().numbers == {
        (RETRIES.name, ("LightOn", "dns")): (3.5,),
        (RETRIES.name, ("LightOn", "reset")): (1.0,),
    }


def test_a_value_counts_in_the_bucket_whose_upper_end_it_does_not_pass(board: Board) -> None:
    for value in (0, 1, 1.5, 2, 11):
        board.observe(ROUNDS, ("", "", ""), value)
    (numbers,) = board.read().numbers.values()
    assert numbers == (2, 2, 0, 0, 0, 0, 0, 0, 1, 15.5)


def test_gauges_that_are_shown_no_longer_are_zero() -> None:
    now = [100.0]
    board = Board(mmap.mmap(-1, 4096), lambda: now[0])
    board.add(RETRIES, ("", ""))
    board.show({(QUEUE_LENGTH, ()): 3, (BREAKER_STATE, ("host", "a")): 2})
    now[0] = 107.0
    board.show({(QUEUE_LENGTH, ()): 2})
    assert board.read() == (
        107,
        {
            (RETRIES.name, ("", "")): (1,),
            (QUEUE_LENGTH.name, ()): (2,),
            (BREAKER_STATE.name, ("host", "a")): (0,),
        },
    )


@given(st.lists(st.tuples(texts, texts, st.integers(0, 1000))))
def test_any_labels_are_kept_apart_and_nothing_is_lost(counts: list[tuple[str, str, int]]) -> None:
    board = Board(mmap.mmap(-1, 1 << 16))
    expected: Counter[tuple[str, str]] = Counter()
    for one, other, amount in counts:
        board.add(RETRIES, (one, other), amount)
        expected[one, other] += amount
    found = {labels: int(numbers[0]) for (_, labels), numbers in board.read().numbers.items()}
    board.close()
    assert found == {key: expected[key] for key in expected}


def test_whoever_takes_a_file_over_goes_on_with_counts_and_not_with_gauges(tmp_path: Path) -> None:
    before = Board.at(tmp_path / "0")
    before.add(RETRIES, ("LightOn", "dns"), 5)
    before.observe(ROUNDS, ("/responses", "hr", "m"), 2)
    before.show({(OPEN_STREAMS, ()): 4})
    before.close()
    after = Board.at(tmp_path / "0")
    assert after.read().numbers[OPEN_STREAMS.name, ()] == (0,)
    after.add(RETRIES, ("LightOn", "dns"))
    after.observe(ROUNDS, ("/responses", "hr", "m"), 2)
    numbers = read_board((tmp_path / "0").read_bytes()).numbers
    after.close()
    assert numbers[RETRIES.name, ("LightOn", "dns")] == (6,)
    assert numbers[ROUNDS.name, ("/responses", "hr", "m")][-1] == 4


def test_counts_survive_a_process_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from proxy.telemetry.board import Board\nfrom proxy.telemetry.series import RETRIES\n"
        "board = Board.at(Path(sys.argv[1]))\nboard.add(RETRIES, ('LightOn', 'dns'), 7)\n"
        "print('counted', flush=True)\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run(  # noqa: S603 - our own code, no shell
        [sys.executable, "-c", code, str(tmp_path / "0")],
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert (killed.stdout, killed.returncode) == (b"counted\n", -signal.SIGKILL)
    assert set(read_board((tmp_path / "0").read_bytes()).numbers.values()) == {(7,)}


def test_a_file_is_its_users_alone(tmp_path: Path) -> None:
    Board.at(tmp_path / "0").close()
    assert (tmp_path / "0").stat().st_mode & 0o777 == 0o600


def test_a_record_that_is_not_complete_is_not_seen(board: Board) -> None:
    board.add(RETRIES, ("LightOn", "dns"), 7)
    content = bytes(board._view[: board._used[0]])
    half = content + b"\x10" + b"\x00" * 15 + b"half of a key"
    assert read_board(half).numbers == board.read().numbers


@pytest.mark.parametrize("content", [b"", b"\x00" * 15, b"\x00" * 4096])
def test_a_file_that_nobody_has_counted_in_shows_nothing(content: bytes) -> None:
    assert read_board(content) == (0, {})


def test_what_there_is_no_room_for_is_lost_and_the_rest_counts_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    board = Board(mmap.mmap(-1, 4096))
    for number in range(200):
        board.add(RETRIES, ("LightOn", str(number)))
        board.observe(ROUNDS, ("/responses", "hr", str(number)), 1)
    board.add(RETRIES, ("LightOn", "0"))
    numbers = board.read().numbers
    assert 10 < len(numbers) < 200
    assert numbers[RETRIES.name, ("LightOn", "0")] == (2,)
    assert [each.message for each in caplog.records] == [
        "The metrics have more series than there is room for. New ones are lost."
    ]
