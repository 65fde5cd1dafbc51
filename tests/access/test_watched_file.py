"""What the files that are read again have in common; `test_key_file` shows it with keys."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.access.watched_file import WatchedFile, never_hung_up, read_text
from proxy.errors import SettingsError
from tests.upstreams.raw_server import PATIENCE_S


class Notes(WatchedFile):
    """Takes every text but "broken", and complains of an empty one."""

    def __init__(self, path: Path, hang_ups: Callable[[], int] = never_hung_up) -> None:
        super().__init__(path, logging.getLogger("proxy.notes"), hang_ups=hang_ups)
        self.taken: list[str | None] = []
        self.has_taken = asyncio.Event()

    def _take(self, text: str | None) -> str:
        if text == "broken":
            raise SettingsError("a is wrong", "b is wrong")
        self.taken.append(text)
        return "It is empty." if text == "" else ""

    def _kept(self) -> str:
        return "The rest stays."


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "notes"


def test_a_file_is_taken_when_it_says_something_else(path: Path) -> None:
    file = Notes(path)
    for text in (None, "a", "a", "b", "b"):
        if text is not None:
            path.write_text(text)
        file.look()
    path.unlink()
    file.look()
    assert file.taken == [None, "a", "b", None]


def test_a_broken_file_is_one_line_with_what_stays(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = Notes(path)
    for text in ("broken", "broken", "a", "broken"):
        path.write_text(text)
        file.look()
        file.look()
    line = ("proxy.notes", logging.ERROR, "a is wrong; b is wrong. The rest stays.")
    assert caplog.record_tuples == [line, line]
    assert file.taken == ["a"]


def test_a_file_is_taken_as_soon_as_what_was_wrong_elsewhere_is_right(path: Path) -> None:
    class WithOther(Notes):
        is_other_broken = True

        def _take(self, text: str | None) -> str:
            return super()._take("broken" if self.is_other_broken else text)

    path.write_text("a")
    os.utime(path, (1, 1))
    file = WithOther(path)
    for _ in range(2):
        file.look()
    file.is_other_broken = False
    for _ in range(2):
        file.look()
    assert file.taken == ["a"]


def test_what_is_wrong_with_a_file_that_is_taken_is_one_line(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    heard = [0]
    file = Notes(path, lambda: heard[0])
    path.write_text("")
    file.look()
    file.look()
    assert [each.getMessage() for each in caplog.records] == ["It is empty."]
    heard[0] = 1
    file.look()
    assert [each.getMessage() for each in caplog.records] == ["It is empty."] * 2


def test_a_signal_takes_it_again_unchanged(path: Path) -> None:
    heard = [0]
    file = Notes(path, lambda: heard[0])
    path.write_text("a")
    os.utime(path, (1, 1))
    for count in (0, 0, 1, 1, 2):
        heard[0] = count
        file.look()
    assert file.taken == ["a"] * 3


@pytest.mark.parametrize("kind", ["folder", "bytes", "pipe"])
def test_what_is_no_text_is_an_error_that_names_the_file(kind: str, path: Path) -> None:
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.write_bytes(b"\xff")
    with pytest.raises(SettingsError, match=r"notes: cannot be read \("):
        read_text(path)


async def test_it_keeps_looking(path: Path) -> None:
    loop = asyncio.get_running_loop()

    class Heard(Notes):
        def _take(self, text: str | None) -> str:
            complaint = super()._take(text)
            loop.call_soon_threadsafe(self.has_taken.set)
            return complaint

    file = Heard(path)
    watch = asyncio.ensure_future(file.keep_looking(0.001))
    await asyncio.wait_for(file.has_taken.wait(), PATIENCE_S)
    watch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watch
    assert file.taken == [None]
