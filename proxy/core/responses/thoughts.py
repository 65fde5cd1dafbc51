"""What the model thinks, as an item of the output.

Thoughts are `reasoning_text`, as vLLM sends them. But AI SDK and LangChain show nothing except
summaries of thoughts, for which a request asks with `reasoning.summary`. Whoever asks gets the
thoughts as one summary.
"""

from __future__ import annotations

from typing import Final, NamedTuple, cast

from proxy.core.responses.output import Output
from proxy.core.responses.wire import Event, ReasoningItem


class _Names(NamedTuple):
    """How thoughts are called on the wire."""

    field: str
    """The item's list of parts."""
    part: str
    text: str
    place: str
    kind: str


_TEXT: Final = _Names(
    "content", "response.content_part", "response.reasoning_text", "content_index", "reasoning_text"
)
_SUMMARY: Final = _Names(
    "summary",
    "response.reasoning_summary_part",
    "response.reasoning_summary_text",
    "summary_index",
    "summary_text",
)


class ThoughtsItem:
    """A `reasoning` item of one part."""

    def __init__(self, output: Output, *, as_summary: bool) -> None:
        self._names = _SUMMARY if as_summary else _TEXT
        self._output = output
        self._id = output.mint("rs")
        self._pieces: list[str] | None = None
        """None until the part has begun."""
        self._index = output.begin(self)
        self._pieces = []
        self._tell(f"{self._names.part}.added", part=self._part())

    def item(self) -> ReasoningItem:
        parts = [] if self._pieces is None else [self._part()]
        fields = {"id": self._id, "type": "reasoning", "summary": [], self._names.field: parts}
        return cast("ReasoningItem", fields)

    def think(self, text: str) -> None:
        """Add a piece; "" only gives a sign of life."""
        if text and self._pieces is not None:
            self._pieces.append(text)
        self._tell(f"{self._names.text}.delta", delta=text)

    def end(self) -> None:
        part = self._part()
        self._tell(f"{self._names.text}.done", text=part["text"])
        self._tell(f"{self._names.part}.done", part=part)
        self._output.end(self._index)

    def _part(self) -> dict[str, str]:
        return {"type": self._names.kind, "text": "".join(self._pieces or ())}

    def _tell(self, type_: str, **fields: object) -> None:
        place = {"item_id": self._id, "output_index": self._index, self._names.place: 0}
        self._output.log.tell(cast("Event", {"type": type_, **place, **fields}))
