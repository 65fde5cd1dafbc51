"""The errors of the API, by status, as the tree of errors has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Final

from proxy.errors import ProxyError
from proxy.schemas.parts import Schema, ref
from proxy.schemas.reply_headers import RETRY_AFTER, TIMED, reply_headers

ANYWHERE: Final = (400, 403, 405, 408, 431, 500, 503)
"""What a request may get before anything is known of it."""
_MAY_PASS: Final = frozenset({429, 502, 503, 504})
"""Those that may say when to try again."""
WITH_KEY: Final = (*ANYWHERE, 401, 404, 429, 502, 504)
WITH_BODY: Final = (*WITH_KEY, 413, 415)


def failure_responses() -> dict[str, Schema]:
    """Each status of an error as a response."""
    codes: dict[int, set[str]] = {}
    for error in _tree(ProxyError):
        codes.setdefault(error.status, set()).add(str(error.code or "null"))
    return {name_of(status): _response(status, codes[status]) for status in sorted(codes)}


def name_of(status: int) -> str:
    return f"Error{status}"


def failures(statuses: Iterable[int]) -> dict[str, Schema]:
    return {
        str(each): {"$ref": f"#/components/responses/{name_of(each)}"} for each in sorted(statuses)
    }


def _response(status: int, codes: Iterable[str]) -> Schema:
    what = HTTPStatus(status).phrase
    return {
        "description": f"{what}. `code`: {', '.join(sorted(codes))}. See docs/errors.md.",
        "headers": reply_headers((*TIMED, RETRY_AFTER) if status in _MAY_PASS else TIMED),
        "content": {"application/json": {"schema": ref("Error")}},
    }


def _tree(error: type[ProxyError]) -> Iterator[type[ProxyError]]:
    for each in error.__subclasses__():
        yield each
        yield from _tree(each)
