"""The events of one response: their numbers, and the form in which most of them pass.

Nearly all events of a stream are a piece of text. Such an event passes as a `TextDelta`, as a chunk
passes as a `TextChunk` (`proxy.core.frames`): whoever encodes it writes what surrounds the text
only once. It means the same as the event that `whole()` returns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple, cast

from proxy.core.responses.wire import Event

TEXT_DELTA: Final = "response.output_text.delta"


# Without `eq`, places are compared by identity, as frames are.
@dataclass(frozen=True, slots=True, eq=False)
class TextPlace:
    """The part of a message that pieces of text go on."""

    item_id: str
    output_index: int
    content_index: int

    def around(self, text: str, number: int) -> Event:
        return {
            "type": TEXT_DELTA,
            "sequence_number": number,
            "item_id": self.item_id,
            "output_index": self.output_index,
            "content_index": self.content_index,
            "delta": text,
            "logprobs": [],
        }


class TextDelta(NamedTuple):
    """An event that is a place around a text."""

    place: TextPlace
    number: int
    text: str
    written: bytes
    """The text as it stands in JSON, without the quotes."""

    def whole(self) -> Event:
        return self.place.around(self.text, self.number)


Told = Event | TextDelta
"""What a client is told: one event."""


def whole(told: Told) -> Event:
    """An event in its plain form."""
    return told.whole() if isinstance(told, TextDelta) else told


class Log:
    """Numbers the events, and holds them until they are taken."""

    __slots__ = ("_number", "_told")

    def __init__(self) -> None:
        self._number = 0
        self._told: list[Told] = []

    def tell(self, event: Event) -> None:
        """Add an event, which gets its number. OpenAI writes that right behind the type."""
        numbered = {"type": event["type"], "sequence_number": self._number, **event}
        self._told.append(cast("Event", numbered))
        self._number += 1

    def tell_at(self, place: TextPlace, type_: str, **fields: object) -> None:
        """Add an event about one part of a message."""
        where = {
            "item_id": place.item_id,
            "output_index": place.output_index,
            "content_index": place.content_index,
        }
        self.tell(cast("Event", {"type": type_, **where, **fields}))

    def say(self, place: TextPlace, text: str, written: bytes) -> None:
        """Add a piece of text."""
        self._told.append(TextDelta(place, self._number, text, written))
        self._number += 1

    def take(self) -> list[Told]:
        """The events since the last `take`."""
        told, self._told = self._told, []
        return told
