"""A clock that only the test moves."""

from dataclasses import dataclass


@dataclass
class HandClock:
    """Gives seconds, as time.monotonic does."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now
