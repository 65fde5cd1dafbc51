"""A file that is read again when it changes, or when a signal asks for it."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Final

from proxy.errors import SettingsError

_LOOK_EVERY_S: Final = 1.0
_SETTLED_S: Final = 2.0
"""A file that is younger may change once more without a newer time: some systems count coarsely."""

Stamp = tuple[int, int, int, int]


def never_hung_up() -> int:
    """How many signals to read files again have come where none can."""
    return 0


def read_text(path: Path) -> str | None:
    """The text of a file. None if there is no such file; SettingsError if it is unreadable."""
    try:
        if path.is_fifo():  # to open it would wait for a writer, perhaps for ever
            raise SettingsError(f"{path}: cannot be read (it is a pipe)")
        return path.read_bytes().decode()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise SettingsError(f"{path}: cannot be read ({reason})") from error


class WatchedFile(ABC):
    """A file as `look` last found it. It never raises: the log says what is wrong.

    A file that is broken changes nothing, and is read at each look until it is not: what is wrong
    may be elsewhere, as when no more files can be opened. One that says what it said before is not
    parsed again.
    """

    def __init__(
        self,
        path: Path,
        log: logging.Logger,
        *,
        hang_ups: Callable[[], int] = never_hung_up,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`hang_ups` counts the signals to read the file again, changed or not."""
        self._path = path
        self._log = log
        self._hang_ups = hang_ups
        self._now = now
        self._heard = hang_ups()
        self._stamp: Stamp | None = None
        self._is_settled = False
        self._content: tuple[bool, bytes] | None = None
        """Whether there was a file, and its hash."""
        self._complaint = ""

    @abstractmethod
    def _take(self, text: str | None) -> str:
        """Use what the file says now; None if there is none. Raises SettingsError if it is broken.

        Returns a line for the log about what is wrong with it all the same, or "".
        """

    @abstractmethod
    def _kept(self) -> str:
        """What holds on while the file is broken, as a sentence for the log."""

    def look(self) -> None:
        """Read the file if it has changed, or if a signal has asked for it."""
        heard, stamp = self._hang_ups(), _stamp(self._path)
        if heard != self._heard:
            self._heard, self._content, self._complaint = heard, None, ""
        elif stamp == self._stamp and self._is_settled:
            return
        self._stamp = stamp
        self._is_settled = stamp is None or self._now() - stamp[0] / 1e9 > _SETTLED_S
        try:
            self._read()
        except SettingsError as error:
            self._content, self._is_settled = None, False  # it may be right without a change of it
            self._complain(f"{error.sentence} {self._kept()}")

    async def keep_looking(self, pause_s: float = _LOOK_EVERY_S) -> None:
        """Look again and again. A long file takes a while, and nobody waits for it meanwhile."""
        while True:
            await asyncio.sleep(pause_s)
            await asyncio.to_thread(self.look)

    def _read(self) -> None:
        text = read_text(self._path)
        content = text is not None, hashlib.sha256((text or "").encode()).digest()
        if content == self._content:
            return
        complaint = self._take(text)
        self._content = content
        self._complain(complaint)

    def _complain(self, complaint: str) -> None:
        """One line for one fault, however often it is met."""
        if complaint and complaint != self._complaint:
            self._log.error("%s", complaint)
        self._complaint = complaint


def _stamp(path: Path) -> Stamp | None:
    """What changes when the file does; None if there is none. Also a change of rights counts."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino
