"""GET / and /page/…: a page that asks. Its files need no key; the requests that it makes do."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from proxy.errors import NotFound
from proxy.surfaces.exchange import exchange_of

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
        "x-content-type-options": "nosniff",
        # To be asked for each time: a page of one version must not load a script of another.
        "cache-control": "no-cache",
    }
)


@dataclass(frozen=True, slots=True)
class PageFile:
    content: bytes
    headers: Mapping[str, str]

    @classmethod
    def of(cls, content: bytes, kind: str) -> PageFile:
        """A file with the headers of its reply. `kind` is the ending of its name."""
        etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        return cls(content, {**_HEADERS, "content-type": _TYPES[kind], "etag": etag})


class Page:
    """The files of the page, by the paths that clients ask for.

    Only these very paths are the page's: base URLs that clients may send, such as /v1, are not.
    """

    def __init__(self, by_path: Mapping[str, PageFile]) -> None:
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
        headers = dict(file.headers)
        if _has(exchange.headers.get("if-none-match", ""), headers["etag"]):
            reply = Response(status_code=304, headers=headers)
        elif scope["method"] == "HEAD":
            reply = Response(headers={**headers, "content-length": str(len(file.content))})
        else:
            reply = Response(file.content, headers=headers)
        await reply(scope, receive, send)


def read_page() -> Page:
    """The page as the package has it: `index.html` is at the root, the others below /page."""
    found = {
        file.name: PageFile.of(file.read_bytes(), f".{file.name.rpartition('.')[2]}")
        for file in files("proxy").joinpath("page").iterdir()
    }
    index = found.pop("index.html")
    return Page({"/": index, **{f"/page/{name}": file for name, file in found.items()}})


def _has(known: str, etag: str) -> bool:
    """Whether a client's list of the versions that it knows has this one."""
    return any(each.strip().removeprefix("W/") in ("*", etag) for each in known.split(","))
