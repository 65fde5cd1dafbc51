"""One page of a list of items, by the parameters with which OpenAI's API asks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from proxy.errors import BadRequest

PARAMETERS: Final = frozenset({"limit", "order", "after", "before"})
_MOST: Final = 100
_USUAL: Final = 20
_ORDERS: Final = ("asc", "desc")


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for. `after` and `before` are ids of items, or ""."""

    limit: int = _USUAL
    order: str = "desc"
    after: str = ""
    before: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Page:
        """What the parameters ask for; others than PARAMETERS are not looked at.

        Raises BadRequest.
        """
        order = given.get("order", "desc")
        if order not in _ORDERS:
            raise BadRequest("'order' must be 'asc' or 'desc'.", param="order")
        return cls(
            _limit(given.get("limit")), order, given.get("after", ""), given.get("before", "")
        )

    def of(self, items: Sequence[Mapping[str, object]]) -> dict[str, Any]:
        """OpenAI's list of the items, which stand in the order they were sent. Raises BadRequest.

        Without items there is no first and no last one: the two ids are null.
        """
        listed = items if self.order == "asc" else items[::-1]
        ids = [cast("str", each["id"]) for each in listed]
        start = _place("after", self.after, ids) + 1 if self.after else 0
        end = _place("before", self.before, ids) if self.before else len(ids)
        page = listed[start:end][: self.limit]
        return {
            "object": "list",
            "data": list(page),
            "first_id": page[0]["id"] if page else None,
            "last_id": page[-1]["id"] if page else None,
            "has_more": start + len(page) < end,
        }


def _limit(given: str | None) -> int:
    if given is None:
        return _USUAL
    if given.isascii() and given.isdigit() and len(given) <= len(str(_MOST)):
        limit = int(given)
        if 1 <= limit <= _MOST:
            return limit
    raise BadRequest(f"'limit' must be a number from 1 to {_MOST}.", param="limit")


def _place(name: str, wanted: str, ids: Sequence[str]) -> int:
    try:
        return ids.index(wanted)
    except ValueError:
        raise BadRequest(f"'{name}' must be the id of an item of this list.", param=name) from None
