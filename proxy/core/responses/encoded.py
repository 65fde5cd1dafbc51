"""Events as bytes. A piece of text costs one concatenation: see `proxy.core.frames` for why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import orjson

from proxy.core.responses.events import TEXT_DELTA, TextDelta, TextPlace, Told

_HEAD: Final = f'event: {TEXT_DELTA}\ndata: {{"type":"{TEXT_DELTA}","sequence_number":'.encode()
_TAIL: Final = b'","logprobs":[]}\n\n'


class Encoder:
    """Writes the events of one response. Each names its type twice, as OpenAI's do."""

    __slots__ = ("_between", "_place")

    def __init__(self) -> None:
        self._place: TextPlace | None = None
        self._between = b""
        """What stands between the number and the text of a piece in that place."""

    def encode(self, told: Iterable[Told]) -> bytes:
        """Events in a row. Raises what orjson does if one cannot be written."""
        return b"".join(map(self._event, told))

    def _event(self, told: Told) -> bytes:
        if not isinstance(told, TextDelta):
            return b"event: %b\ndata: %b\n\n" % (told["type"].encode(), orjson.dumps(told))
        if told.place is not self._place:
            self._place, self._between = told.place, _between(told.place)
        return b"%b%d%b%b%b" % (_HEAD, told.number, self._between, told.written, _TAIL)


def _between(place: TextPlace) -> bytes:
    item_id = orjson.dumps(place.item_id)
    indexes = b',"output_index":%d,"content_index":%d' % (place.output_index, place.content_index)
    return b',"item_id":%b%b,"delta":"' % (item_id, indexes)
