"""Which addresses an answer may lead to."""

from __future__ import annotations

import html
import re
from collections.abc import Container, Iterable
from typing import Final, Literal

Mode = Literal["sources", "all", "none"]

_ESCAPED: Final = re.compile(r"\\(?=[!-/:-@\[-`{-~])")
_ENTITY: Final = re.compile(r"&#?\w{1,32};")
_WEB: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[\w.\-]+)(?::(?P<port>\d{1,5}))?", re.IGNORECASE
)
_REST: Final = re.compile(r"(?:[/?#][^\s\x00-\x1f\x7f\\]*)?")
_FRAGMENT: Final = re.compile(r"#[\w\-.~%]{0,200}")
_ADDRESS_INSIDE: Final = re.compile(r"//|mailto:|www\.", re.IGNORECASE)
_PORTS: Final = {"http": "80", "https": "443"}
_ASSUMED: Final = ("http://", "https://")
_PUNCTUATION: Final = frozenset(".,;:!?…)]}'\"*_~|»”’›")
_SENTENCE_END: Final = re.compile("[。、，；：！？）」』》】”»]")
_MOST_PUNCTUATION: Final = 8


class LinkRules:
    """`mode`: "sources" allows what was shown and `hosts`; "all" everything; "none" nothing."""

    def __init__(
        self, mode: Mode, addresses: Iterable[str] = (), hosts: Container[str] = frozenset()
    ) -> None:
        """`hosts` are in lower case, with a port where it is not the scheme's own."""
        self.mode: Final = mode
        self._hosts = hosts
        self._addresses: set[str] = set()
        for address in addresses:
            self.show(address)

    def show(self, address: str) -> None:
        """A source of this address was shown."""
        self._addresses.add(without_fragment(address))

    def allows(self, destination: str) -> bool:
        """Whether a link's destination, as it is written in Markdown, leads where it may."""
        return self._allows(read(destination))

    def _allows(self, address: str) -> bool:
        if self.mode != "sources":
            return self.mode == "all"
        if address in self._addresses:
            return True
        if _ADDRESS_INSIDE.search(address, len(_ASSUMED[1])):
            return False  # a renderer may see that one alone
        if _FRAGMENT.fullmatch(address):
            return True
        return without_fragment(address) in self._addresses or self._is_of_host(address)

    def allowed_part(self, text: str) -> int:
        """How much of `text`, an address and what is written right after it, leads where it may.

        0 if it leads elsewhere.
        """
        if text[:4].lower() == "www.":
            return max(0, *(self.allowed_part(each + text) - len(each) for each in _ASSUMED))
        if text.startswith("//"):
            is_other = self.mode != "sources" or _ADDRESS_INSIDE.search(text, 2)
            return len(text) if not is_other and self._is_of_host(f"https:{text}") else 0
        for _ in range(_MOST_PUNCTUATION):
            if self._allows(text) and not _ENTITY.search(text):
                return len(text)
            if not text or text[-1] not in _PUNCTUATION:
                break
            text = text[:-1]
        sentence_end = _SENTENCE_END.search(text)
        return self.allowed_part(text[: sentence_end.start()]) if sentence_end else 0

    def _is_of_host(self, address: str) -> bool:
        web = _WEB.match(address)
        if web is None or not _REST.fullmatch(address, web.end()):
            return False
        host, port = web["host"].lower(), web["port"]
        if port and port != _PORTS[web["scheme"].lower()]:
            return f"{host}:{port}" in self._hosts
        return host in self._hosts


def read(destination: str) -> str:
    """The address that a destination, as it is written in Markdown, means."""
    if "&" not in destination and "\\" not in destination:
        return destination
    unescaped = _ESCAPED.sub("", destination)
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), unescaped)


def without_fragment(address: str) -> str:
    return address.partition("#")[0]
