"""Where workers count: each in a file of its own, in a folder that all of them read.

The folder lives as long as the process that starts them. It is in memory where the system has such
a folder, also if no other one can be written.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from proxy.errors import SettingsError
from proxy.settings import Settings
from proxy.telemetry.board import Board
from proxy.telemetry.boards import Boards

_IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - the folder in it has a name of its own
_VARIABLE: Final = "_RAG_PROXY_BOARD"
"""Names the file of a worker, for that worker alone. It is no setting."""


@contextmanager
def shared_boards(settings: Settings) -> Iterator[Boards | None]:
    """The boards of workers, if they are to count. Raises SettingsError if they cannot."""
    if not settings.metrics:
        yield None
        return
    where = _IN_MEMORY if os.access(_IN_MEMORY, os.W_OK) else None
    try:
        made = tempfile.TemporaryDirectory(
            prefix="rag-proxy-", dir=where, ignore_cleanup_errors=True
        )
    except OSError as error:
        raise SettingsError(
            "metrics: workers have no folder to count in; name one that can be written (TMPDIR), "
            "or set metrics = false"
        ) from error
    with made as folder:
        yield Boards(folder=Path(folder))


def name_board(folder: Path, place: int) -> None:
    """Let the worker that starts next count for this place, as the one before it did."""
    os.environ[_VARIABLE] = str(folder / str(place))


def boards_of_worker() -> Boards:
    """The boards that the worker reads, with the one on which it counts. It may be the only one."""
    named = os.environ.get(_VARIABLE)
    if named is None:
        return Boards(Board.alone())
    path = Path(named)
    return Boards(Board.at(path), path.parent)
