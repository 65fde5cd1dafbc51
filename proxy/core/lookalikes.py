"""Finds names that are nearly another name, so that a slip does not widen a search.

The model would ignore a misspelt field, and the search would cover everything. One rule says which
names read alike, for fields, headers and profiles: see `fold`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import islice
from typing import Final

from proxy.core.names import FIELD
from proxy.errors import BadRequest

_LONGEST_SHOWN: Final = 80
_UNSEEN: Final = re.compile(r"[\W_\u115f\u1160]+")
"""Characters that do not tell names apart. The two letters among them are invisible."""
_OPTIONS_OF_SDKS: Final = ("extra", "modelkwargs")
"""The beginnings of options that SDKs unpack before they send a request, such as `extra_body`."""
_HEADERS_OF_SDKS: Final = "extraheaders"
"""The one option in which Content-Type is a header and not a wish."""
_MOST_OPTIONS: Final = 10_000
_HEADER_ENDINGS: Final = ("workspaceid", "retrieval")
"""The endings of the proxy's own headers."""
_ONE_SLIP: Final = 0.85
"""How similar FIELD is to itself with one slip in it, by difflib's measure: 12/14 at least."""
_LONGEST_NAME: Final = 500
"""The proxy reads no more of a name, in characters. No slip makes a name so long."""


def fold(name: str) -> str:
    """The letters and digits of a name, without case, marks and spaces.

    Compatibility forms (NFKD), such as full-width letters, count as the plain ones. A name without
    letters and digits gives "", and is like no other.
    """
    name = name[:_LONGEST_NAME]
    if not name.isascii():
        # Sign by sign, because a long row of marks costs its length squared to sort.
        name = "".join(unicodedata.normalize("NFKD", sign) for sign in name)
    return _UNSEEN.sub("", name.casefold())


def is_nearly_ours(name: str) -> bool:
    """Whether a field or header can only mean the proxy: it begins with FIELD, or is nearly FIELD.

    One slip of the fingers is allowed: a letter too many or too few, a wrong one, or two swapped.
    """
    folded = fold(name).removeprefix("x")
    if folded.startswith(FIELD):
        return True
    for ending in _HEADER_ENDINGS:
        folded = folded.removesuffix(ending)
    may_be_slip = abs(len(folded) - len(FIELD)) <= 1
    return may_be_slip and bool(get_close_matches(folded, (FIELD,), cutoff=_ONE_SLIP))


class Names:
    """Names in their order. A client that sends another name may mean one of them."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(names)
        self._exact = frozenset(self._names)
        self._by_fold: dict[str, tuple[str, ...]] = {}
        for each in self._names:
            if folded := fold(each):
                self._by_fold[folded] = (*self._by_fold.get(folded, ()), each)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._exact

    def like(self, name: str) -> tuple[str, ...]:
        """The names that `name` is like, in their order; none for a name that is one of them."""
        if not self._exact or name in self._exact:
            return ()
        return self._by_fold.get(fold(name), ())

    def nearly(self, name: str) -> str | None:
        """The first name that `name` is like; None if it is like none, or one of them itself."""
        return next(iter(self.like(name)), None)


def refuse_lookalike(name: str, value: object, narrowing: Mapping[str, str]) -> None:
    """Raise BadRequest if an undocumented field of a body looks like one that narrows.

    `narrowing` maps folded names to the fields that a client may have meant.
    """
    folded = fold(name)
    if is_nearly_ours(folded):
        raise _refused(name, f"Did you mean '{FIELD}'?")
    if meant := narrowing.get(folded):
        raise _refused(name, f"Did you mean '{meant}'?")
    if folded == _HEADERS_OF_SDKS:
        narrowing = {}
    if folded.startswith(_OPTIONS_OF_SDKS) and _holds_narrowing(value, narrowing):
        raise _refused(
            name,
            f"Put '{FIELD}' into the body itself. SDKs do so with the contents of 'extra_body'.",
        )


def _refused(name: str, advice: str) -> BadRequest:
    shown = name[:_LONGEST_SHOWN]
    return BadRequest(f"The field {shown!r} is not known. {advice}", param=shown)


def _holds_narrowing(options: object, narrowing: Mapping[str, str]) -> bool:
    """Whether an SDK's options hold a narrowing field, or are too many to look through."""
    if isinstance(options, dict) and any(
        fold(name) in narrowing for name in islice(options, _MOST_OPTIONS)
    ):
        return True
    names = tuple(islice(_names_in(options), _MOST_OPTIONS))
    return len(names) == _MOST_OPTIONS or any(map(is_nearly_ours, names))


def _names_in(value: object) -> Iterator[str]:
    """The keys at any depth of `value`, or the words of a text, which may be JSON."""
    if isinstance(value, str):
        yield from (word[0] for word in re.finditer(r"[\w-]+", value))
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield from each
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
