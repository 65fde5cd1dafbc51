"""Where workers count: each in a file of its own, in a folder that all of them read.

The folder lives as long as the process that starts them. It is in memory where the system has such
a folder, also if no other one can be written. What a killed one leaves there, the next one removes.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from proxy.commands.held_folder import held_folder, hold
from proxy.errors import SettingsError
from proxy.settings import Settings
from proxy.telemetry.board import Board
from proxy.telemetry.boards import Boards

_IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - the folder in it has a name of its own
_PREFIX: Final = "rag-proxy-boards-"
_VARIABLE: Final = "_RAG_PROXY_BOARD"
"""Names the file of a worker, for that worker alone. It is no setting."""


@contextmanager
def shared_boards(settings: Settings) -> Iterator[Boards | None]:
    """The boards of workers, if they are to count. Raises SettingsError if they cannot."""
    if not settings.metrics:
        yield None
        return
    with ExitStack() as stack:
        try:
            if os.access(_IN_MEMORY, os.W_OK):
                folder = stack.enter_context(held_folder(_PREFIX, _IN_MEMORY))
            else:
                made = tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True)
                folder = Path(stack.enter_context(made))
        except OSError as error:
            raise SettingsError(
                "metrics: workers have no folder to count in; name one that can be written "
                "(TMPDIR), or set metrics = false"
            ) from error
        yield Boards(folder=folder)


def name_board(folder: Path, place: int) -> None:
    """Let the worker that starts next count for this place, as the one before it did."""
    os.environ[_VARIABLE] = str(folder / str(place))


def boards_of_worker() -> Boards:
    """The boards that the worker reads, with the one on which it counts. It may be the only one."""
    named = os.environ.get(_VARIABLE)
    if named is None:
        return Boards(Board.alone())
    path = Path(named)
    if path.parent.parent == _IN_MEMORY:
        hold(path.parent)  # until the process ends, which may outlive the one that started it
    return Boards(Board.at(path), path.parent)
