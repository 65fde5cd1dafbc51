"""Reads replies that hold embeddings, or a ranking of documents.

A client sends many texts at once, and tells by its place which vector belongs to which. So a reply
that leaves one out is no reply.

Scaleway's documentation lists `encoding_format` as unsupported. Where a client asks for base64 and
gets numbers all the same, openai-node takes them for bytes and gets a vector of a quarter of the
length (mudler/LocalAI#9135). So the proxy writes base64 itself then.

A reply of 30 MB takes half a second to parse, nearly all of it for the numbers. So each vector is
taken out of the reply first, and then read by itself, with a pause after it.
"""

from __future__ import annotations

import base64
import re
import sys
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import orjson

from proxy.errors import BadReply
from proxy.tasks import Steps
from proxy.upstreams.http.causes import SHAPE
from proxy.upstreams.http.status import Vendor
from proxy.upstreams.scaleway.replies import NAME, read_document

Document = Mapping[str, object]

_VECTOR: Final = re.compile(rb'"embedding"\s*:\s*(\[[^\[\]{}"]*\]|"[0-9A-Za-z+/=]*")')
"""An embedding, as numbers or in base64. In a string of JSON no such key can stand, because its
quotes would be escaped."""
_COUNTS: Final = ("prompt_tokens", "total_tokens")


class Reading(NamedTuple):
    """A reply that has been read."""

    document: Document
    """What it says, perhaps without its vectors."""
    body: bytes
    """What the client gets: the reply as it came, if it is as OpenAI's schema has it."""


def read_embeddings(vendor: Vendor, body: bytes, asked: Document) -> Steps[Reading]:
    """The reply to a request for embeddings. Raises UpstreamError."""
    vectors = _Vectors(in_base64=asked.get("encoding_format") == "base64")
    rest = yield from vectors.taken_out_of(body)
    reply = read_document(vendor, rest)
    items = reply.get("data")
    if not isinstance(items, list) or len(items) != _inputs(asked.get("input")):
        raise _unreadable("embeddings")
    data = []
    for place, item in enumerate(items):
        data.append(vectors.put_back(item, place))
        yield
    model = reply.get("model") or asked["model"]
    usage = _usage(reply.get("usage"))
    fit = {**reply, "object": "list", "model": model, "usage": usage, "data": items}
    if fit == reply and not vectors.has_changed:
        return Reading(reply, body)
    return Reading(reply, orjson.dumps({**fit, "data": data}))


def read_ranking(vendor: Vendor, body: bytes, asked: Document) -> Steps[Reading]:
    """The reply to a request for a ranking, as it is: OpenAI has no schema for it."""
    yield from ()  # there is little in it
    reply = read_document(vendor, body)
    results, documents = reply.get("results"), asked["documents"]
    most = len(documents) if isinstance(documents, list) else 0
    if not isinstance(results, list) or not all(_is_result(each, most) for each in results):
        raise _unreadable("a ranking")
    return Reading(reply, body)


@dataclass(slots=True)
class _Vectors:
    """The vectors of one reply."""

    in_base64: bool
    """Whether the client asks for base64."""
    has_changed: bool = field(init=False, default=False)
    """Whether an item of the reply was not as OpenAI's schema has it."""
    _written: list[bytes] = field(init=False, default_factory=list)
    """Each as it stands in the reply."""

    def taken_out_of(self, body: bytes) -> Steps[bytes]:
        """The reply, where each vector is a list with its number in place of its numbers."""
        parts: list[bytes] = []
        at = 0
        for match in _VECTOR.finditer(body):
            parts += body[at : match.start(1)], b"[%d]" % len(self._written)
            self._written.append(match[1])
            at = match.end()
            yield
        return b"".join((*parts, body[at:]))

    def put_back(self, item: object, place: int) -> object:
        """An item of the reply with its vector, in the form that the client asks for."""
        number = item.get("embedding") if isinstance(item, dict) else None
        if not isinstance(item, dict) or not isinstance(number, list) or len(number) != 1:
            raise _unreadable("embeddings")
        index = item["index"] if isinstance(item.get("index"), int) else place
        fit = {**item, "object": "embedding", "index": index}
        vector = self._fit(self._vector(number[0]))
        self.has_changed = self.has_changed or fit != item
        return {**fit, "embedding": orjson.Fragment(vector)}

    def _vector(self, number: object) -> bytes:
        if not isinstance(number, int) or not 0 <= number < len(self._written):
            raise _unreadable("embeddings")
        return self._written[number]

    def _fit(self, written: bytes) -> bytes:
        if written.startswith(b'"'):
            if not self.in_base64:
                raise _unreadable("embeddings")
            return written
        numbers = _numbers(written)  # also where they stay as they are
        if not self.in_base64:
            return written
        self.has_changed = True
        return b'"%b"' % base64.b64encode(numbers)


def _numbers(written: bytes) -> array[float]:
    """The numbers as OpenAI's API packs them: 32 bits each, the lowest byte first.

    Raises BadReply if they are not numbers.
    """
    try:
        numbers = array("f", orjson.loads(written))
    except (TypeError, OverflowError, orjson.JSONDecodeError):
        raise _unreadable("embeddings") from None
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _inputs(given: object) -> int:
    """How many texts a request holds: an array of numbers is the tokens of one."""
    if isinstance(given, list) and given and not isinstance(given[0], int):
        return len(given)
    return 1


def _usage(sent: object) -> Document:
    usage = sent if isinstance(sent, dict) else {}
    return {**usage, **{name: usage.get(name) or 0 for name in _COUNTS}}


def _is_result(result: object, most: int) -> bool:
    """Whether it scores one of `most` documents."""
    if not isinstance(result, dict):
        return False
    place, score = result.get("index"), result.get("relevance_score")
    return isinstance(place, int) and 0 <= place < most and isinstance(score, (int, float))


def _unreadable(what: str) -> BadReply:
    return BadReply(NAME, f"{NAME} sent {what} that cannot be read. Try again.", cause=SHAPE)
