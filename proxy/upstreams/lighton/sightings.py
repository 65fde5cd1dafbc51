"""Which documents LightOn has lately shown to which client within which scope.

A document that a search within a scope has brought is in that scope, and the key may read it. That
holds for as long as results may be shared; after that, it must be shown anew.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import orjson

from proxy.upstreams.lighton.scope import LightOnScope

Whose = tuple[str, ...]
"""The client, and the key that it searches with."""
MOST: Final = 20_000
"""The most documents that are remembered. The oldest sightings go first."""


@dataclass(slots=True)
class Sightings:
    """The documents that were seen, by the scope in which they were. Times are in seconds."""

    _seen: OrderedDict[tuple[bytes, int], float] = field(default_factory=OrderedDict)

    def note(self, whose: Whose, scope: LightOnScope, file_ids: Iterable[int], at_s: float) -> None:
        """Take in that a search which was asked at `at_s` has brought these documents."""
        name = _name(whose, scope)
        for file_id in file_ids:
            self._seen[name, file_id] = at_s
            self._seen.move_to_end((name, file_id))
        while len(self._seen) > MOST:
            self._seen.popitem(last=False)

    def since(self, whose: Whose, scope: LightOnScope, file_id: int, at_s: float) -> bool:
        """Whether a search asked at `at_s` or later has brought the document."""
        seen_s = self._seen.get((_name(whose, scope), file_id))
        return seen_s is not None and seen_s >= at_s


def _name(whose: Whose, scope: LightOnScope) -> bytes:
    """A scope may be long, and many may be remembered."""
    return hashlib.sha256(orjson.dumps((whose, scope))).digest()
