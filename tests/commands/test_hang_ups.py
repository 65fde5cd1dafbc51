from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from proxy.commands.hang_ups import HangUps


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = signal.getsignal(signal.SIGHUP)
    yield
    signal.signal(signal.SIGHUP, before)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})


def test_each_signal_is_counted_and_ends_nothing() -> None:
    hang_ups = HangUps()
    hang_ups.listen()
    assert hang_ups() == 0
    for _ in range(2):
        signal.raise_signal(signal.SIGHUP)
    assert hang_ups() == 2


def test_a_signal_that_was_held_back_is_counted() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    signal.raise_signal(signal.SIGHUP)
    hang_ups = HangUps()
    hang_ups.listen()
    assert hang_ups() == 1
