"""A bounded log of requests to the stand-ins, for tests and for `GET /sandbox/requests`."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Outcome = Literal["open", "answered", "hung_up"]


@dataclass(slots=True)
class Received:
    """One request, without its headers, which hold the caller's key.

    `body` is parsed JSON, or the text itself if it is not JSON, or None if there is none.
    `outcome` is `hung_up` if the caller or a fault ended the connection before the reply was
    complete.
    """

    upstream: str
    method: str
    path: str
    body: Any
    status: int | None = None
    outcome: Outcome = "open"


class RequestLog:
    """Safe to read and to wait on from any thread, so that a test needs no sleeps."""

    def __init__(self, size: int = 200) -> None:
        self._received: deque[Received] = deque(maxlen=size)
        self._changed = threading.Condition()

    def open(self, upstream: str, method: str, path: str, body: Any) -> Received:
        received = Received(upstream, method, path, body)
        with self._changed:
            self._received.append(received)
            self._changed.notify_all()
        return received

    def close(self, received: Received, *, status: int | None, outcome: Outcome) -> None:
        with self._changed:
            received.status, received.outcome = status, outcome
            self._changed.notify_all()

    def clear(self) -> None:
        with self._changed:
            self._received.clear()

    def all(self, upstream: str | None = None, path: str = "") -> list[Received]:
        """Return the requests to one stand-in, or to both, oldest first.

        `path` is the end of the request's path: `/chat/completions`.
        """
        with self._changed:
            return self._select(upstream, path)

    def wait_for(
        self, condition: Callable[[list[Received]], bool], *, timeout_s: float = 60.0
    ) -> bool:
        """Block until the log satisfies `condition`. False if it does not in time.

        It blocks its thread. From an event loop that also runs the stand-ins, call it with
        `asyncio.to_thread`.
        """
        with self._changed:
            return self._changed.wait_for(lambda: condition(list(self._received)), timeout_s)

    def as_json(self) -> list[dict[str, Any]]:
        return [asdict(received) for received in self.all()]

    def _select(self, upstream: str | None, path: str) -> list[Received]:
        return [
            received
            for received in self._received
            if upstream in (None, received.upstream) and received.path.endswith(path)
        ]
