"""Progress: what the client of a streamed answer is shown of hidden tools while they work.

All wording is here, or comes from the tools. There are two ways to tell it: as lines among the
model's thoughts, here, and as events that one front-end knows (`proxy.core.open_webui`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from proxy.core.control_tokens import INERT
from proxy.core.hidden import Failed, HiddenTool, Job, Outcome
from proxy.core.passages import Passage
from proxy.core.thoughts import marked
from proxy.core.unseen import drop_unseen
from proxy.core.wire import Chunk
from proxy.core.writer import CompletionWriter

_LONGEST: Final = 200
"""The most characters that are shown of what a job looks for."""
_MARKUP: Final = str.maketrans({"[": "⟦", "]": "⟧", "<": INERT["<"], "`": "'"})
"""A model writes the queries, and clients show thoughts as Markdown: no image may come of it."""


@dataclass(frozen=True, slots=True)
class News:
    """One thing to tell."""

    tool: str
    """The name of the tool that works."""
    text: str
    """One line."""
    is_done: bool
    """Whether no job runs any more."""


class Progress(Protocol):
    """One way to show progress. It makes chunks for the client to hear."""

    @property
    def shows_sources(self) -> bool:
        """Whether it shows each source as soon as it is cited, in place of annotations."""

    def tell(self, news: News) -> Chunk | None:
        """News of a job."""

    def close(self, news: News) -> Chunk | None:
        """The last news again, as the answer ends and the job has not: it is not waited for."""

    def cite(self, n: int, passage: Passage, text: str) -> Chunk | None:
        """The text is about to cite a passage for the first time, with the number `n`."""


@dataclass(frozen=True, slots=True)
class Thoughts:
    """Progress among the model's thoughts."""

    writer: CompletionWriter
    shows_sources: bool = False

    def tell(self, news: News) -> Chunk | None:
        return self.writer.think(marked(news.text))

    def close(self, news: News) -> Chunk | None:  # noqa: ARG002  # the protocol
        return None

    def cite(self, n: int, passage: Passage, text: str) -> Chunk | None:  # noqa: ARG002  # the same
        return None


def begun(tool: HiddenTool, job: Job) -> str:
    """What is told when a job begins, in one line."""
    text = " ".join(drop_unseen(tool.doing(job)).split()).translate(_MARKUP)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1].rstrip()}…"


def ended(tool: HiddenTool, outcome: Outcome) -> str:
    """What is told when a job has ended."""
    if isinstance(outcome, Failed):
        return tool.failure
    # Images of pages have no text: the model is shown none of them.
    count = sum(bool(result.content and result.content.strip()) for result in outcome.results)
    if not count:
        return "Nothing found."
    return f"Found {count} passage{'' if count == 1 else 's'}."
