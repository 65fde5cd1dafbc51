"""The hosts that an answer's links may lead to because the client has named them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Final
from urllib.parse import urlsplit

from proxy.core.chat import text_of
from proxy.core.wire import Message

_ADDRESS: Final = re.compile(r"https?://[^\s<>\"'`\\(){}\[\]]{1,2000}", re.IGNORECASE)
_PORTS: Final = {"http": 80, "https": 443}


class ClientHosts:
    """A container of hosts, in lower case: `listed` ones and those in the client's messages.

    What the assistant has said does not count: it may have been taken from a document. The messages
    are read when a link is met, which few answers hold.
    """

    def __init__(self, listed: frozenset[str], messages: Iterable[Message]) -> None:
        self._listed = listed
        self._messages = messages

    def __contains__(self, host: object) -> bool:
        return host in self._listed or host in self._named

    @cached_property
    def _named(self) -> frozenset[str]:
        texts = (
            text_of(each.get("content")) for each in self._messages if each["role"] != "assistant"
        )
        return frozenset(host for text in texts for host in hosts_in(text))


def hosts_in(text: str) -> Iterator[str]:
    """The hosts of the addresses in a text, with a port where it is not the scheme's own."""
    for match in _ADDRESS.finditer(text):
        try:
            parts = urlsplit(match[0].rstrip(".,;:!?"))
            host, port = parts.hostname, parts.port
        except ValueError:
            continue
        if host:
            yield host if port in (None, _PORTS[parts.scheme]) else f"{host}:{port}"
