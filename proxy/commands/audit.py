"""`rag-proxy audit verify`: whether the lines of the audit file are a whole chain."""

from __future__ import annotations

import errno
import gzip
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final, cast

import click

from proxy.errors import SettingsError
from proxy.settings import load_settings
from proxy.telemetry.audit_chain import LONGEST_LINE, read_lines, read_link
from proxy.telemetry.audit_check import Check
from proxy.telemetry.audit_file import locked
from proxy.telemetry.rotated import with_rotated

_MOST_SHOWN: Final = 20
"""The most faults that are printed."""
_UNREADABLE: Final = (OSError, EOFError, zlib.error)


def run_verify(
    config: Path | None, files: Sequence[Path], *, holds: Sequence[str] = (), after: str = ""
) -> int:
    """Say what is wrong with the files' lines. Returns 1 if anything is, or if one is unreadable.

    The files are read in the order of their first lines' numbers.
    """
    check = Check(after, holds)
    is_readable = True
    for path in sorted(files or _files_of_settings(config), key=_first_number):
        try:
            check.read(_shown(path), _lines(path))
        except _UNREADABLE as error:
            why = (error.strerror if isinstance(error, OSError) else None) or str(error)
            _say("FAIL", f"{_shown(path)} cannot be read: {why}")
            is_readable = False
    is_whole = _tell(check)
    return 0 if is_readable and is_whole else 1


def _tell(check: Check) -> bool:
    """Print what the check has found. Returns whether all is as it should be."""
    for file, place, what in check.faults[:_MOST_SHOWN]:
        _say("FAIL", f"{file}, line {place}: {what}")
    more = len(check.faults) - _MOST_SHOWN
    if more > 0:
        _say("FAIL", f"{more:,} more faults")
    for each in sorted(check.missing):
        _say("FAIL", f"no line has the hash {each}: it was changed, or the end was cut off")
    if not check.lines:
        _say("FAIL", "there are no lines")
        return False
    numbers, times = check.numbers, check.times
    is_whole = not (check.faults or check.missing)
    _say(
        "ok" if is_whole else "FAIL",
        f"{check.lines:,} lines, numbers {numbers[0]} to {numbers[1]}, from {times[0]} to "
        f"{times[1]}; the last line's hash is {check.end.hash}",
    )
    return is_whole


def _files_of_settings(config: Path | None) -> list[Path]:
    path = load_settings(config).audit_file
    if path is None:
        raise SettingsError("RAG_PROXY_AUDIT_FILE is not set: set it, or name a FILE")
    *rotated, own = with_rotated(Path(path), compressed=True)
    if rotated and not own.exists():
        _say("skipped", f"{_shown(own)} is not there: no line has come since it was moved away")
        return rotated
    return [*rotated, own]


def _first_number(path: Path) -> int:
    """That of the file's first line; 0 if it has none."""
    try:
        link = read_link(next(_lines(path), b""))
    except _UNREADABLE:
        return 0
    return 0 if link is None else link.number


def _lines(path: Path) -> Iterator[bytes]:
    """The lines that the file has now, with their line ends. A proxy may go on writing meanwhile.

    Raises OSError, EOFError and zlib.error.
    """
    if not path.is_file() and path.exists():  # some can be read for ever
        raise OSError(errno.EINVAL, "it is no regular file")
    if path.suffix == ".gz":
        with gzip.open(path) as packed:
            yield from read_lines(cast("BinaryIO", packed))
        return
    with path.open("rb") as file:
        with locked(file.fileno(), shared=True):
            left = os.fstat(file.fileno()).st_size
        while line := file.readline(min(LONGEST_LINE, left)):
            left -= len(line)
            yield line


def _shown(path: Path) -> str:
    name = str(path)
    return name if name.isprintable() else repr(name)


def _say(mark: str, text: str) -> None:
    click.echo(f"{mark:<8}{text}")
