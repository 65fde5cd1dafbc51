"""Breaking things: bytes, and documents of JSON."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from random import Random
from typing import Any, Final

_STRANGE_BYTES: Final = (
    b"\x00",
    b"\r",
    b"\n",
    b"\r\n",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b'"',
    b"\\",
    b":",
    b" ",
    b"{",
    b"]",
    b"\xe2\x80\xa8",
)
_STRANGE_VALUES: Final[tuple[Any, ...]] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**63,
    -(2**70),
    1e308,
    0.5,
    float("nan"),
    "",
    " ",
    "\x00",
    "\ud800",
    "é🦊\u2028",
    "auto",
    "none",
    "required",
    "x" * 5_000,
    [],
    {},
    [None],
    [[]],
    {"": None},
    {"type": "function", "function": {"name": "lighton_search", "arguments": "{"}},
)


def broken_bytes(random: Random, data: bytes, most: int = 4) -> bytes:
    """`data` after up to `most` small changes: bits, cuts, repetitions, strange bytes put in."""
    broken = bytearray(data)
    for _ in range(random.randint(1, most)):
        place = random.randint(0, len(broken))
        end = min(len(broken), place + random.choice((1, 1, 2, 8, 64)))
        match random.randrange(5):
            case 0 if place < len(broken):
                broken[place] ^= 1 << random.randrange(8)
            case 1:
                del broken[place:end]
            case 2:
                broken[place:place] = broken[place:end]
            case 3:
                del broken[place:]
            case _:
                broken[place:place] = random.choice(_STRANGE_BYTES)
    return bytes(broken)


def cut(random: Random, data: bytes, most: int) -> list[bytes]:
    """`data` in up to `most` pieces."""
    count = random.randint(0, min(most, len(data)) - 1) if data else 0
    places = sorted(random.randint(0, len(data)) for _ in range(count))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


def broken_document(random: Random, document: Any, names: Sequence[str]) -> Any:
    """A copy of a JSON document, changed in a few places; `names` are fields to put in."""
    document = copy.deepcopy(document)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        holder, key = random.choice(_places(document))
        match random.randrange(6):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[random.choice(names)] = holder.pop(key)
            case 2 if isinstance(holder, list):
                holder.extend([copy.deepcopy(holder[key])] * random.choice((1, 2, 50)))
            case 3:
                holder[key] = random.choice(([holder[key]], {"type": holder[key]}))
            case 4 if isinstance(holder, dict):
                holder[random.choice(names)] = strange_value(random)
            case _:
                holder[key] = strange_value(random)
        if not document:
            break
    return document


def strange_value(random: Random) -> Any:
    return copy.deepcopy(random.choice(_STRANGE_VALUES))


def written(document: Any) -> bytes:
    """As JSON, also what is none: NaN, and halves of surrogate pairs."""
    return json.dumps(document).encode()


def _places(document: Any) -> list[tuple[Any, Any]]:
    """Every value in a document, as the object or array that holds it and its key there."""
    items = document.items() if isinstance(document, dict) else enumerate(document)
    found: list[tuple[Any, Any]] = []
    for key, value in items:
        found.append((document, key))
        if isinstance(value, (dict, list)) and value:
            found += _places(value)
    return found
