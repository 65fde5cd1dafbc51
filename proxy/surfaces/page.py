"""GET / and /page/…: a page that asks. Its files need no key; the requests that it makes do."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from proxy.errors import NotFound
from proxy.surfaces.exchange import exchange_of
from proxy.surfaces.fixed_file import FixedFile

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    # The browser refuses to make elements out of text, whoever wrote the text.
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""What the browser lets the page do: nothing with another host, no scripts but its own files."""
_API: Final = "The API is below /v1, for example at /v1/chat/completions."
_LONGEST_SHOWN: Final = 200
_TYPES: Final = MappingProxyType(
    {
        ".html": "text/html; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".svg": "image/svg+xml",
    }
)
_HEADERS: Final = MappingProxyType(
    {
        "content-security-policy": POLICY,
        "referrer-policy": "no-referrer",
    }
)


class Page:
    """The files of the page, by the paths that clients ask for.

    Only these very paths are the page's: base URLs that clients may send, such as /v1, are not.
    """

    def __init__(self, by_path: Mapping[str, FixedFile]) -> None:
        self._files = by_path

    @property
    def paths(self) -> frozenset[str]:
        return frozenset(self._files)

    @property
    def routes(self) -> tuple[Route, ...]:
        """Its routes, which are none of the API's: they are in no schema. None without files."""
        paths = ("/", "/page/{file}") if self._files else ()
        return tuple(Route(p, self, methods=["GET"], include_in_schema=False) for p in paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = exchange_of(scope)
        file = self._files.get(exchange.path)
        if file is None:
            raise NotFound(f"There is no {exchange.path[:_LONGEST_SHOWN]} here. {_API}")
        await file(scope, receive, send)


def read_page() -> Page:
    """The page as the package has it: `index.html` is at the root, the others below /page."""
    found = {
        file.name: FixedFile(file.read_bytes(), _type_of(file.name), _HEADERS)
        for file in files("proxy").joinpath("page").iterdir()
    }
    index = found.pop("index.html")
    return Page({"/": index, **{f"/page/{name}": file for name, file in found.items()}})


def _type_of(name: str) -> str:
    return _TYPES[f".{name.rpartition('.')[2]}"]
