"""Pages of a list, as OpenAI's API cuts them: by `limit`, `order`, `after` and `before`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

from proxy.errors import BadRequest

MOST: Final = 100
DEFAULT: Final = 20
PARAMETERS: Final = ("limit", "order", "after", "before")


class Paging(NamedTuple):
    """What a client asks for. `after` and `before` are ids of the list, "" if not given."""

    limit: int = DEFAULT
    is_ascending: bool = False
    after: str = ""
    before: str = ""

    def list_of(self, objects: Sequence[Mapping[str, object]]) -> dict[str, Any]:
        """OpenAI's list of a page of objects, which have an `id` and come oldest first.

        With `before` alone it is the page that ends there. A list without objects has null for the
        first id and the last. Raises BadRequest for an unknown id.
        """
        ordered = objects if self.is_ascending else objects[::-1]
        ids = [cast("str", each["id"]) for each in ordered]
        first = _place(ids, "after", self.after) + 1 if self.after else 0
        last = _place(ids, "before", self.before) if self.before else len(ids)
        found = ordered[first:last]
        ends_there = self.before and not self.after
        shown = list(found[-self.limit :] if ends_there else found[: self.limit])
        return {
            "object": "list",
            "data": shown,
            "first_id": shown[0]["id"] if shown else None,
            "last_id": shown[-1]["id"] if shown else None,
            "has_more": len(found) > len(shown),
        }


def paging_of(given: Mapping[str, str]) -> Paging:
    """The paging among parameters of an address. Raises BadRequest."""
    return Paging(
        _limit(given.get("limit")),
        _is_ascending(given.get("order")),
        given.get("after", ""),
        given.get("before", ""),
    )


def _limit(given: str | None) -> int:
    if given is None:
        return DEFAULT
    number = int(given) if given.isascii() and given.isdecimal() and len(given) < len("1000") else 0
    if not 1 <= number <= MOST:
        raise BadRequest(f"'limit' must be an integer from 1 to {MOST}.", param="limit")
    return number


def _is_ascending(given: str | None) -> bool:
    if given not in (None, "asc", "desc"):
        raise BadRequest("'order' must be 'asc' or 'desc'.", param="order")
    return given == "asc"


def _place(ids: Sequence[str], name: str, wanted: str) -> int:
    try:
        return ids.index(wanted)
    except ValueError:
        raise BadRequest(f"'{name}' must be an id of the list.", param=name) from None
