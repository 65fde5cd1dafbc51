"""What a request wishes to search. The search vendor defines its syntax."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from proxy.core.lookalikes import fold
from proxy.core.names import FIELD
from proxy.core.scope import Wish


class Wishes:
    """Reads wishes, in the terms of one search vendor."""

    def __init__(
        self,
        fields: Iterable[str],
        read: Callable[[object], Wish],
        read_headers: Callable[[Mapping[str, str]], Wish],
        others: Iterable[str] = (),
    ) -> None:
        """`fields` are those of a wish in a body that say what is searched, `others` the rest.

        `read` reads what a body holds as its wish, which may be None, and `read_headers` reads
        headers with names in lower case. Both raise BadRequest that names the field at fault.
        """
        self.fields = tuple(fields)
        self.in_body = (*self.fields, *others)
        self.read = read
        self.read_headers = read_headers
        self.narrowing = {fold(name): name for name in ("model", "tool_choice")} | {
            fold(name): f"{FIELD}.{name}" for name in self.fields
        }
        """What narrows a search, by folded name: a profile is a model, `none` a tool_choice."""
