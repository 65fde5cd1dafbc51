"""Folders of processes that may be killed."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.commands.held_folder import held_folder, hold

HOLDS = """
import sys, time
from pathlib import Path
from proxy.commands.held_folder import held_folder
with held_folder("boards-", Path(sys.argv[1])) as folder:
    (folder / "0").write_text("counts")
    print(folder, flush=True)
    sys.stdin.read()
"""


def holding(where: Path) -> tuple[subprocess.Popen[str], Path]:
    """A process that holds a folder, and the folder."""
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", HOLDS, str(where)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().rstrip("\n"))


def test_the_folder_of_a_process_that_was_killed_goes_when_the_next_one_is_made(
    tmp_path: Path,
) -> None:
    process, folder = holding(tmp_path)
    with process:
        with held_folder("boards-", tmp_path):
            assert (folder / "0").exists()  # its process lives
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert folder.exists()
        with held_folder("boards-", tmp_path) as own:
            assert list(tmp_path.iterdir()) == [own]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_stays_as_long_as_anybody_holds_it(tmp_path: Path) -> None:
    process, folder = holding(tmp_path)
    with process:
        held = hold(folder)
        process.send_signal(signal.SIGKILL)
        process.wait()
    with held_folder("boards-", tmp_path):
        assert folder.exists()
    os.close(held)
    with held_folder("boards-", tmp_path):
        assert not folder.exists()


def test_what_is_none_of_ours_stays(tmp_path: Path) -> None:
    elsewhere, other, file = tmp_path / "elsewhere", tmp_path / "other", tmp_path / "boards-file"
    elsewhere.mkdir()
    other.mkdir()
    file.write_text("mine")
    (tmp_path / "boards-link").symlink_to(elsewhere)
    before = set(tmp_path.iterdir())
    with held_folder("boards-", tmp_path):
        pass
    assert set(tmp_path.iterdir()) == before


def test_one_that_is_swept_away_before_it_is_held_is_made_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lock, seen = fcntl.flock, list[Path]()

    def late(descriptor: int, how: int) -> None:
        seen.extend(set(tmp_path.iterdir()) - set(seen))
        if len(seen) == 1:
            seen[0].rmdir()
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with held_folder("boards-", tmp_path) as folder:
        assert folder.is_dir()
        assert seen[1:] == [folder]


def test_a_folder_that_has_gone_cannot_be_held(tmp_path: Path) -> None:
    with held_folder("boards-", tmp_path) as folder:
        pass
    with pytest.raises(FileNotFoundError):
        hold(folder)
