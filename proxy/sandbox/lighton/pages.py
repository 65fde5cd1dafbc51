"""Lists as LightOn sends them: page by page."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

T = TypeVar("T")

PAGE_SIZE = 20


def page_of(
    items: Sequence[T],
    describe: Callable[[T], dict[str, Any]],
    address: str,
    query: Mapping[str, str],
) -> dict[str, Any] | None:
    """Return the page of a list that `query` asks for; None if there is no such page.

    `address` is where the list is, for the addresses of its other pages.
    """
    page = query.get("page", "1")
    last = max(1, -(-len(items) // PAGE_SIZE))
    if not page.isascii() or not page.isdecimal() or not 1 <= int(page) <= last:
        return None
    number = int(page)

    def neighbour(other: int) -> str | None:
        if not 1 <= other <= last:
            return None
        return f"{address}?{urlencode({**query, 'page': other})}"

    shown = items[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    return {
        "count": len(items),
        "next": neighbour(number + 1),
        "previous": neighbour(number - 1),
        "results": list(map(describe, shown)),
    }
