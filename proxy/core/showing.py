"""A listener whose client is shown progress, too: what runs, and what the text is about to cite."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from proxy.core.citations import MAX_ANNOTATIONS
from proxy.core.frames import TextChunk
from proxy.core.grounding import Grounding
from proxy.core.hidden import HiddenTool, Job, Outcome
from proxy.core.listener import Listener
from proxy.core.progress import News, Progress, begun, ended
from proxy.core.wire import Chunk, Message
from proxy.tasks import Behind


class Showing:
    """Puts progress between the chunks of an answer."""

    def __init__(
        self,
        listener: Listener,
        progress: Progress,
        grounding: Grounding,
        messages: Callable[[], Sequence[Message]],
    ) -> None:
        """`messages` are those that the model was shown last: they hold the passages."""
        self._listener = listener
        self._progress = progress
        self._grounding = grounding
        self._messages = messages
        self._running: dict[Job, News] = {}
        self._seen = 0
        """How many markers have been looked at."""
        self._cited: set[int] = set()

    @property
    def shows_sources(self) -> bool:
        """Whether the client has heard of all sources by the end, and needs no annotations."""
        return self._progress.shows_sources

    def hear(self, chunks: Sequence[Chunk | TextChunk]) -> Behind:
        """Tell of the sources first that the chunks cite."""
        if len(self._grounding.markers) > self._seen and (new := self._sources()):
            at = 1 if _has_role(chunks[0]) else 0  # the role comes first of all
            chunks = [*chunks[:at], *new, *chunks[at:]]
        return self._listener.hear(chunks)

    def begin(self, tool: HiddenTool, job: Job) -> None:
        """A job begins."""
        self._listener.begin(tool, job)
        news = self._running[job] = News(tool.name, begun(tool, job), is_done=False)
        self._tell(self._progress.tell(news))

    def end(self, tool: HiddenTool, job: Job, outcome: Outcome) -> None:
        """A job has ended."""
        self._listener.end(tool, job, outcome)
        del self._running[job]
        news = News(tool.name, ended(tool, outcome), is_done=not self._running)
        self._tell(self._progress.tell(news))

    def close(self) -> None:
        """The answer ends, whatever still runs."""
        for news in list(self._running.values())[-1:]:
            self._tell(self._progress.close(news))
        self._seen = 0  # a marker may have come to stand for more passages
        for chunk in self._sources():
            self._tell(chunk)

    def _tell(self, chunk: Chunk | None) -> None:
        if chunk is not None:
            self._listener.hear([chunk])

    def _sources(self) -> list[Chunk]:
        """The sources that are cited and have not been told of."""
        chunks = []
        markers = self._grounding.markers
        for marker in markers[self._seen : MAX_ANNOTATIONS]:
            for passage in marker.passages:
                if passage not in self._cited:
                    self._cited.add(passage)
                    found = self._grounding.passage(passage, self._messages())
                    chunks.append(self._progress.cite(marker.n, *found))
        self._seen = len(markers)
        return [each for each in chunks if each is not None]


def _has_role(chunk: Chunk | TextChunk) -> bool:
    return not isinstance(chunk, TextChunk) and any(
        "role" in choice["delta"] for choice in chunk["choices"]
    )
