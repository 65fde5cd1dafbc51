"""A message of the assistant, as an item of the output.

It ends where another item begins: OpenAI never mixes the events of two messages or of a message
and thoughts, and Codex and LangChain rely on that. The next text then begins another message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from proxy.core.citations import Cite
from proxy.core.responses.events import TextPlace
from proxy.core.responses.message_parts import RefusalPart, TextPart
from proxy.core.responses.output import Output
from proxy.core.responses.wire import MessageItem, OutputPart, Status


class Texts:
    """All text of an answer, cut into parts."""

    def __init__(self, cites: Callable[[], Iterable[Cite]], *, cites_files: bool) -> None:
        """`cites` are the citations of the text so far."""
        self.cites = cites
        self.cites_files = cites_files
        self.parts: list[TextPart] = []

    @property
    def length(self) -> int:
        """How many characters the parts have together, of which the last one has ended."""
        return (self.parts[-1].stop or 0) if self.parts else 0

    def annotate(self, cites: Iterable[Cite]) -> None:
        """Tell of the citations that no part has told of yet."""
        found = list(cites)
        for part in self.parts:
            part.annotate(found)


class MessageEntry:
    """A `message` item. At most its last part goes on."""

    def __init__(self, output: Output, texts: Texts) -> None:
        self._output = output
        self._texts = texts
        self._id = output.mint("msg")
        self._status: Status = "in_progress"
        self._parts: list[TextPart | RefusalPart] = []
        self._index = output.begin(self)

    def item(self) -> MessageItem:
        return {
            "type": "message",
            "id": self._id,
            "role": "assistant",
            "status": self._status,
            "content": [each.part() for each in self._parts],
        }

    def text(self) -> TextPart:
        """The part that text goes on."""
        if self._parts and isinstance(last := self._parts[-1], TextPart):
            return last
        self._end_part()
        texts, log = self._texts, self._output.log
        place = self._place(len(self._parts))
        part = TextPart(log, place, texts.length, cites_files=texts.cites_files)
        texts.parts.append(part)
        self._begin_part(place, part)
        return part

    def refusal(self) -> RefusalPart:
        """The part that a refusal goes on."""
        if self._parts and isinstance(last := self._parts[-1], RefusalPart):
            return last
        self._end_part()
        place = self._place(len(self._parts))
        part = RefusalPart(self._output.log, place)
        self._begin_part(place, part)
        return part

    def end(self, status: Status) -> None:
        self._end_part()
        self._status = status
        self._output.end(self._index)

    def _place(self, content_index: int) -> TextPlace:
        return TextPlace(self._id, self._index, content_index)

    def _begin_part(self, place: TextPlace, part: TextPart | RefusalPart) -> None:
        self._parts.append(part)
        shown: OutputPart = part.part()
        self._output.log.tell_at(place, "response.content_part.added", part=shown)

    def _end_part(self) -> None:
        if not self._parts:
            return
        last = self._parts[-1]
        if isinstance(last, TextPart):
            last.end(self._texts.cites())
        else:
            last.end()
        place = self._place(len(self._parts) - 1)
        self._output.log.tell_at(place, "response.content_part.done", part=last.part())
