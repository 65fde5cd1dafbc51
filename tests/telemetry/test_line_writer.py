from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from proxy.telemetry.line_writer import LineWriter


class Slow(LineWriter):
    """A disk that takes nothing until `opens`, and then all."""

    what = "slow file"

    def __init__(self, **most: int) -> None:
        super().__init__(Path("slow"), **most)
        self.opens = threading.Event()
        self.lines: list[bytes] = []
        self.closes = 0
        self.wrote = threading.Event()

    def _write(self, lines: Sequence[bytes]) -> None:
        self.opens.wait(60)
        self.lines += lines
        self.wrote.set()
        self._has_succeeded(self._untold)

    def _close(self) -> None:
        self.closes += 1


@pytest.mark.parametrize("most", [{"most_waiting": 5}, {"most_bytes": 50}])
def test_what_a_slow_disk_has_no_room_for_is_lost_and_told_of(
    most: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    file = Slow(**most)
    for _ in range(30):
        file.append(b"ten bytes\n")
    assert [each.levelname for each in caplog.records] == ["ERROR"]
    assert "The disk of the slow file slow is too slow" in caplog.messages[0]
    file.opens.set()
    file.settle(60)
    assert 5 <= len(file.lines) <= 6
    assert f"{30 - len(file.lines)} were lost" in caplog.text
    for _ in range(4):  # the room is free again
        file.append(b"ten bytes\n")
    file.close(60)
    assert 9 <= len(file.lines) <= 10
    assert file.closes == 1


def test_whoever_waits_learns_whether_all_is_written() -> None:
    file = Slow()
    assert file.settle(60)
    file.append(b"x")
    assert not file.settle(0.01)
    file.opens.set()
    assert file.settle(60)


def test_an_urgent_line_does_not_let_its_thread_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.telemetry.line_writer._REST_S", 60)
    file = Slow()
    file.opens.set()
    file.append(b"one")
    assert file.settle(60)
    file.append(b"two")  # the thread rests
    file.append(b"three", is_urgent=True)
    while len(file.lines) < 3:
        assert file.wrote.wait(60)
        file.wrote.clear()
    file.close(60)
