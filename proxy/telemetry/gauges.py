"""Shows on a board what grows and sinks: it is looked at once in a while, and never counted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from proxy.telemetry.board import Board, Labels
from proxy.telemetry.series import Series

Readings = Mapping[tuple[Series, Labels], float]
LOOK_EVERY_S: Final = 1.0


def _nothing() -> Readings:
    return {}


class Gauges:
    """The gauges of a process."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._read = _nothing

    def take(self, read: Callable[[], Readings]) -> None:
        """From now on, `read` says how they stand."""
        self._read = read

    def look(self) -> None:
        self._board.show(self._read())

    async def keep_looking(self) -> None:
        """Other processes read the board, too, so it must be up to date."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_EVERY_S)
