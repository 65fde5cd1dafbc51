"""A folder that some processes hold, and that goes when none of them is left, however they end.

Whoever is killed with SIGKILL leaves its folder behind. But its lock on the folder goes with it, so
the next process that makes one finds and removes what nobody holds.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

try:
    import fcntl
except ImportError:  # Windows, where nobody makes such a folder
    fcntl = None  # type: ignore[assignment]

_FOLDER_ITSELF: Final = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)


@contextmanager
def held_folder(prefix: str, where: Path) -> Iterator[Path]:
    """A new folder. Those in `where` with the same prefix that nobody holds go. Raises OSError.

    Other processes that use the folder should `hold` it, too.
    """
    for left in where.glob(f"{prefix}*"):
        _remove_unheld(left)
    path, lock = _made(prefix, where)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def hold(path: Path) -> int:
    """Hold a folder until the descriptor is closed. Raises OSError, also if it has just gone."""
    return _locked(path, fcntl.LOCK_SH)


def _made(prefix: str, where: Path) -> tuple[Path, int]:
    while True:
        path = Path(tempfile.mkdtemp(prefix=prefix, dir=where))
        try:
            return path, hold(path)
        except (BlockingIOError, FileNotFoundError):
            continue  # another one took it for left behind, as nobody held it yet


def _remove_unheld(path: Path) -> None:
    try:
        lock = _locked(path, fcntl.LOCK_EX)
    except OSError:
        return  # somebody holds it, or it is none of ours
    try:
        shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(lock)


def _locked(path: Path, how: int) -> int:
    """A descriptor of the folder with a lock. Raises BlockingIOError if others have one."""
    folder = os.open(path, os.O_RDONLY | _FOLDER_ITSELF)
    try:
        fcntl.flock(folder, how | fcntl.LOCK_NB)
        path.stat()  # it may have gone before it was locked
    except OSError:
        os.close(folder)
        raise
    return folder
