"""Who hears an answer while it is made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from proxy.core.frames import TextChunk
from proxy.core.hidden import HiddenTool, Job, Outcome
from proxy.core.wire import Chunk
from proxy.tasks import Behind


class Listener(Protocol):
    """The client that gets the answer."""

    def hear(self, chunks: Sequence[Chunk | TextChunk]) -> Behind:
        """Take in chunks of the completion."""

    def begin(self, tool: HiddenTool, job: Job) -> None:
        """A hidden tool begins a job."""

    def end(self, tool: HiddenTool, job: Job, outcome: Outcome) -> None:
        """A job has ended."""


class Unconcerned:
    """A listener's part in jobs, for those to whom nobody tells of them."""

    def begin(self, tool: HiddenTool, job: Job) -> None:
        """Nothing is told."""

    def end(self, tool: HiddenTool, job: Job, outcome: Outcome) -> None:
        """Nothing is told."""
