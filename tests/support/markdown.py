"""Where a text leads once it is rendered: by markdown-it-py, with HTML and bare addresses."""

from __future__ import annotations

import functools
from html.parser import HTMLParser
from typing import Final

from markdown_it import MarkdownIt

_HARMLESS: Final = frozenset({"align", "alt", "class", "start", "title"})
_ACTIVE: Final = frozenset(
    ("base", "embed", "form", "iframe", "link", "meta", "object", "script", "style", "svg")
)


def leads_to(text: str) -> list[str]:
    """All addresses that the rendered text names in its markup, and all else that may act."""
    reader = _Reader()
    # What stands open at the end of the text goes on in whatever a page puts after it.
    reader.feed(_renderer().render(text) + "<i></i>")
    reader.close()
    return reader.found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _ACTIVE:
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            if name not in _HARMLESS and not (value or "").startswith("text-align:"):
                self.found.append(value or name)


@functools.cache
def _renderer() -> MarkdownIt:
    renderer = MarkdownIt("gfm-like", {"html": True})
    if renderer.linkify is None:
        raise ModuleNotFoundError("linkify-it-py")
    renderer.linkify.set({"fuzzy_link": False, "fuzzy_email": False, "fuzzy_ip": False})
    # As on GitHub: what begins with www. is an address.
    renderer.linkify.add("www.", {"validate": _end_of_www, "normalize": _with_scheme})
    return renderer


def _end_of_www(linkify: object, text: str, at: int) -> int:  # noqa: ARG001  # linkify-it's signature
    if not text[at : at + 1].isalnum():
        return 0
    end = at
    while end < len(text) and not text[end].isspace() and text[end] != "<":
        end += 1
    while end > at and text[end - 1] in ".,;:!?)\"'*_~":
        end -= 1
    return end - at


def _with_scheme(linkify: object, match: object) -> None:  # noqa: ARG001  # linkify-it's signature
    match.url = "http://" + match.url  # type: ignore[attr-defined]
