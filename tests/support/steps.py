"""Steps: what the proxy's code costs, as a number that no clock and no machine changes.

A step is a line of the proxy's own that is run, a byte that such a line makes anew (a string that
is joined, a list that is copied), or an element that a method written in C looks at in what it is
called on. So `text += more` in a loop is as dear as it is, although it is one line. What is not
seen is a pattern's search: patterns must be linear by themselves.
"""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Final, TypeVar

import proxy
from proxy.tasks import Steps

T = TypeVar("T")

_PROXY: Final = str(Path(proxy.__file__).parent)
_SCANS: Final = frozenset({"count", "find", "index", "partition", "remove", "rfind", "rindex"})
_BYTES_OF_A_STEP: Final = 64
"""Bytes are copied many at a time; with this, small objects do not hide what lines cost."""


class _Meter:
    """Counts the steps of the code in `folder`."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._lines = self._scanned = self._made = 0
        self._before = 0
        self._at_line = self._begin_line  # bound once: what the meter makes counts as well

    @property
    def steps(self) -> int:
        return self._lines + (self._scanned + self._made) // _BYTES_OF_A_STEP

    def _begin_line(
        self,
        frame: FrameType,  # noqa: ARG002  # sys.settrace's signature, as the next two
        what: str,  # noqa: ARG002
        argument: object,  # noqa: ARG002
    ) -> Callable[..., Any]:
        """Add what the last line has made to what has been counted. Runs at each line: no calls."""
        now, most = tracemalloc.get_traced_memory()
        if self._lines:  # before the first, nothing has been run
            self._made += most - self._before
        self._lines += 1
        tracemalloc.reset_peak()
        self._before = now
        return self._at_line

    def trace(self, frame: FrameType, what: str, argument: object) -> Callable[..., Any] | None:
        if not frame.f_code.co_filename.startswith(self._folder):
            return None
        return self._at_line(frame, what, argument)

    def profile(self, frame: FrameType, what: str, function: Any) -> None:
        if what != "c_call" or not frame.f_code.co_filename.startswith(self._folder):
            return
        owner = getattr(function, "__self__", None)
        if function.__name__ in _SCANS and isinstance(owner, (str, bytes, list, tuple)):
            self._scanned += len(owner) * (_BYTES_OF_A_STEP if isinstance(owner, list) else 1)

    def run(self, work: Callable[[], T]) -> T:
        # The collector would call back, and free what a line has made, when it likes.
        tracer = sys.gettrace()
        gc.disable()
        tracemalloc.start()
        sys.setprofile(self.profile)
        sys.settrace(self.trace)
        try:
            return work()
        finally:
            sys.settrace(tracer)
            sys.setprofile(None)
            if self._lines:
                self._made += tracemalloc.get_traced_memory()[1] - self._before
            tracemalloc.stop()
            gc.enable()


def steps_of(work: Callable[[], object], *, folder: str = _PROXY) -> int:
    """The steps of one call of `work`, of the code in `folder` alone."""
    meter = _Meter(folder)
    meter.run(work)
    return meter.steps


def check_linear(
    work_of_size: Callable[[int], Callable[[], object]], *, size: int, folder: str = _PROXY
) -> None:
    """Fail unless twice the input takes at most twice the steps, and a tenth.

    `work_of_size` makes the work, with its input, for a size. What is made only once is made in a
    first call, which does not count.
    """
    work_of_size(1)()
    once, twice = (steps_of(work_of_size(each), folder=folder) for each in (size, 2 * size))
    assert once > size // _BYTES_OF_A_STEP, f"only {once} steps for an input of {size}"
    assert twice <= 2.2 * once, f"{once} steps for {size}, but {twice} for {2 * size}"


def at_once(work: Steps[T]) -> T:
    """The result of work that pauses, without a pause."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result


MOST_BETWEEN_PAUSES: Final = 60_000
"""So many lines run in less than 10 ms."""


def most_between_pauses(work: Steps[object]) -> int:
    """How many lines of the proxy's own `work` runs at most without a pause."""
    most = lines = 0

    def trace(frame: FrameType, what: str, argument: object) -> Callable[..., Any] | None:  # noqa: ARG001  # sys.settrace's signature
        nonlocal lines
        lines += 1
        return trace if frame.f_code.co_filename.startswith(_PROXY) else None

    has_ended = False
    tracer = sys.gettrace()
    while not has_ended:
        lines = 0
        sys.settrace(trace)
        try:
            has_ended = next(work, work) is work
        finally:
            sys.settrace(tracer)
        most = max(most, lines)
    return most
