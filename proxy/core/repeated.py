"""Refuses a body that holds a field of the proxy's own, or one that narrows, twice.

A JSON decoder keeps the last of the two, and nobody can tell which one the client meant.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from proxy.core.names import FIELD
from proxy.errors import BadRequest

_IN_BODY: Final = (FIELD, "model", "tool_choice")
_LONGEST_SHOWN: Final = 80
_SEARCH: Final = "file_search"
"""A type of tool that narrows: its stores and filters do."""
_ESCAPES: Final = (b"\\u004", b"\\u005", b"\\u006", b"\\u007")
"""How an escaped ASCII letter begins. Clients do not write one."""


def refuse_repeated(body: bytes, document: object, fields: Iterable[str]) -> None:
    """Raise BadRequest if `body` holds such a field twice, in whatever spelling.

    `document` is the decoded body, which is not nested deeply. `fields` are those of a wish. A
    look at the bytes clears nearly every body, so few bodies need a second parse.
    """
    if not isinstance(document, dict) or not _may_repeat(body, document, fields):
        return
    pairs: tuple[tuple[str, object], ...] = json.loads(body, object_pairs_hook=tuple)
    _refuse_twice((name for name, _ in pairs if name in _IN_BODY), "")
    for name, value in pairs:
        if name == FIELD and isinstance(value, tuple):
            _refuse_twice((each for each, _ in value), f"{FIELD}.")
    _refuse_twice_in_search([value for name, value in pairs if name == "tools"])


def _may_repeat(body: bytes, document: Mapping[str, object], fields: Iterable[str]) -> bool:
    if any(name in document and _is_twice(name, body) for name in _IN_BODY):
        return True
    if "tools" in document and b'"%b"' % _SEARCH.encode() in body:
        return True
    if b"\\u00" in body and any(escape in body for escape in _ESCAPES):
        return True
    return FIELD in document and any(_is_twice(name, body) for name in fields)


def _refuse_twice_in_search(values: list[object]) -> None:
    """Refuse a `file_search` that is one of several `tools`, or that holds a name twice.

    `values` are those of `tools`, in which objects are tuples of pairs.
    """
    for value in values:
        for place, tool in enumerate(value if isinstance(value, list) else ()):
            if isinstance(tool, tuple) and ("type", _SEARCH) in tool:
                _refuse_twice(["tools"] * len(values), "")
                _refuse_twice_within(tool, f"tools[{place}]")


def _refuse_twice_within(tool: object, param: str) -> None:
    """Refuse a tool that holds a name twice in one object, at any depth."""
    waiting = [tool]
    while waiting:
        each = waiting.pop()
        if isinstance(each, tuple):
            _refuse_twice((name for name, _ in each), f"{param}.")
            waiting += [value for _, value in each]
        elif isinstance(each, list):
            waiting += each


def _is_twice(name: str, body: bytes) -> bool:
    return body.count(b'"%b"' % name.encode()) > 1


def _refuse_twice(names: Iterable[str], prefix: str) -> None:
    for name, times in Counter(names).items():
        if times > 1:
            param = f"{prefix}{name[:_LONGEST_SHOWN]}"
            raise BadRequest(f"'{param}' was sent more than once.", param=param)
