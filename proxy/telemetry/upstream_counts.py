"""Counts what upstreams are asked for, whoever asks, and what is asked for again."""

from __future__ import annotations

from typing import Final

from proxy.telemetry.board import Board
from proxy.telemetry.label_values import NONE, Values
from proxy.telemetry.series import RETRIES, UPSTREAM_REQUESTS

_MOST_CAUSES: Final = 200
_MOST_STATUSES: Final = 100


class UpstreamCounts:
    """Counts on a board, as long as it lives."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._causes = Values(more=_MOST_CAUSES)
        self._statuses = Values(more=_MOST_STATUSES)

    def request(self, upstream: str, status: int, cause: str) -> None:
        """A request to `upstream` is over. It has no reply if `status` is 0."""
        told = self._statuses.of(str(status) if status else NONE, is_right=True)
        self._board.add(UPSTREAM_REQUESTS, (upstream, told, self._cause(cause)))

    def retry(self, upstream: str, cause: str) -> None:
        """A request will be sent again."""
        self._board.add(RETRIES, (upstream, self._cause(cause)))

    def _cause(self, word: str) -> str:
        return self._causes.of(word, is_right=True)
