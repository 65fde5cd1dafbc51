"""The log of a command that serves: lines on stderr. A slow reader cannot stop the server."""

from __future__ import annotations

import logging
import os
import select
import stat
import sys
from contextlib import suppress
from typing import Final

import click

_STDERR: Final = 2
_LINE: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_AT_ONCE: Final = getattr(select, "PIPE_BUF", 512)
"""How many bytes a pipe with room takes whole and at once."""


def configure_logging(level: str) -> None:
    """Set up the log. `level` is a name of `Settings.log_level`. Each process calls this once."""
    handler = LineHandler(_STDERR)
    handler.setFormatter(logging.Formatter(_LINE))
    logging.basicConfig(level=level.upper(), handlers=[handler])


def set_log_level(level: str) -> None:
    """Let another level hold from now on."""
    logging.getLogger().setLevel(level.upper())


def say(line: str, *, err: bool = False) -> None:
    """Print a line for whoever watches. If nobody does any more, the server goes on."""
    try:
        click.echo(line, err=err)
    except OSError:
        # The rest in the stream's buffer would fail again when Python exits.
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device
            os.dup2(nowhere.fileno(), (sys.stderr if err else sys.stdout).fileno())


class LineHandler(logging.Handler):
    """Writes lines to a descriptor, and never waits for a reader.

    A line that does not fit at once is lost, and the next line that fits says how many were. No
    line needs a new descriptor, so the log can say that none are left.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = _opened_anew(descriptor)
        self._room = select.poll() if hasattr(select, "poll") else None  # Windows has none
        if self._room is not None:
            self._room.register(self._descriptor, select.POLLOUT)
        self._lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record)
        if self._lost:
            line = f"({self._lost} lines were lost: nobody read them.)\n{line}"
        if self._write(f"{line}\n".encode(errors="backslashreplace")):
            self._lost = 0
        else:
            self._lost += 1

    def _write(self, data: bytes) -> bool:
        """Whether it wrote all of `data`. If not, the reader is too slow, or gone."""
        try:
            for start in range(0, len(data), _AT_ONCE):
                if self._room is not None and not self._room.poll(0):
                    return False
                os.write(self._descriptor, data[start : start + _AT_ONCE])
        except OSError:
            return False
        return True


def _opened_anew(descriptor: int) -> int:
    """A descriptor for the same pipe that does not wait; `descriptor` itself if it is no pipe.

    Several workers may see room in a pipe for one line, so it is not enough to look first. Setting
    flags on `descriptor` itself would affect every other writer that shares it.
    """
    if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        with suppress(OSError):  # there is no /proc, or the pipe is another user's
            return os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK)
    return descriptor
