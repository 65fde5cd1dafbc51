"""Addresses as anybody may see them: a query may hold a key, and what stands before a host does."""

from __future__ import annotations

import re
from typing import Final

HIDDEN: Final = "…"
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}://")


def without_secrets(text: str) -> str:
    """An address without its user name, password and the values of its query.

    Another text stays as it is.
    """
    scheme = _ADDRESS.match(text)
    if scheme is None:
        return text
    place, mark, query = text[scheme.end() :].partition("?")
    host, slash, path = place.partition("/")
    user, at, host = host.rpartition("@")
    said, sign, fragment = query.partition("#")
    names = "&".join(map(_name, said.split("&")))
    return f"{scheme[0]}{user and HIDDEN}{at}{host}{slash}{path}{mark}{names}{sign}{fragment}"


def _name(part: str) -> str:
    """What a query says, without the value. A part without a name may be a key itself."""
    name, equals, _ = part.partition("=")
    return f"{name}={HIDDEN}" if equals else part and HIDDEN
