"""Reads replies that hold embeddings, or a ranking of documents.

A client sends many texts at once, and tells by its place which vector belongs to which. So a reply
that leaves one out is no reply.

Scaleway's documentation lists `encoding_format` as unsupported. Where a client asks for base64 and
gets numbers all the same, openai-node takes them for bytes and gets a vector of a quarter of the
length (mudler/LocalAI#9135). So the proxy writes base64 itself then.
"""

from __future__ import annotations

import base64
import sys
from array import array
from collections.abc import Mapping
from typing import Final

from proxy.errors import BadReply
from proxy.upstreams.http.causes import SHAPE
from proxy.upstreams.scaleway.replies import NAME

Document = dict[str, object]
_COUNTS: Final = ("prompt_tokens", "total_tokens")


def read_embeddings(reply: Document, asked: Mapping[str, object]) -> Document:
    """A reply as OpenAI's schema has it: the same object, if it is so already."""
    items = reply.get("data")
    if not isinstance(items, list) or len(items) != _inputs(asked.get("input")):
        raise _unreadable("embeddings")
    in_base64 = asked.get("encoding_format") == "base64"
    data = [_item(each, place, in_base64=in_base64) for place, each in enumerate(items)]
    top = {"object": "list", "model": reply.get("model") or asked["model"]}
    fit = {**reply, **top, "data": data, "usage": _usage(reply.get("usage"))}
    return reply if fit == reply else fit


def _usage(sent: object) -> Mapping[str, object]:
    usage = sent if isinstance(sent, dict) else {}
    return {**usage, **{name: usage.get(name) or 0 for name in _COUNTS}}


def _inputs(given: object) -> int:
    """How many texts a request holds: an array of numbers is the tokens of one."""
    if isinstance(given, list) and given and not isinstance(given[0], int):
        return len(given)
    return 1


def _item(item: object, place: int, *, in_base64: bool) -> object:
    if not isinstance(item, dict):
        raise _unreadable("embeddings")
    vector, index = item.get("embedding"), item.get("index")
    if isinstance(vector, list):
        numbers = _numbers(vector)  # also where they stay as they are
        vector = base64.b64encode(numbers).decode() if in_base64 else vector
    elif not (in_base64 and isinstance(vector, str)):
        raise _unreadable("embeddings")
    index = index if isinstance(index, int) else place
    return {**item, "object": "embedding", "index": index, "embedding": vector}


def _numbers(vector: list[float]) -> array[float]:
    """The numbers as OpenAI's API packs them: 32 bits each, the lowest byte first.

    Raises BadReply if they are not numbers.
    """
    try:
        numbers = array("f", vector)
    except (TypeError, OverflowError):
        raise _unreadable("embeddings") from None
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def read_ranking(reply: Document, asked: Mapping[str, object]) -> Document:
    """A reply as it is: there is no schema of OpenAI's for it."""
    results, documents = reply.get("results"), asked["documents"]
    most = len(documents) if isinstance(documents, list) else 0
    if not isinstance(results, list):
        raise _unreadable("a ranking")
    for each in results:
        place = each.get("index") if isinstance(each, dict) else None
        score = each.get("relevance_score") if isinstance(each, dict) else None
        if not _is_place(place, most) or not isinstance(score, (int, float)):
            raise _unreadable("a ranking")
    return reply


def _is_place(place: object, most: int) -> bool:
    return isinstance(place, int) and 0 <= place < most


def _unreadable(what: str) -> BadReply:
    return BadReply(NAME, f"{NAME} sent {what} that cannot be read. Try again.", cause=SHAPE)
