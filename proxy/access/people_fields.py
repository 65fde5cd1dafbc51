"""The fields of a key that stands for people: which headers say who asks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from proxy.access.clients import PeopleHeaders

_HEADER: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
_TAKEN: Final = frozenset(
    (
        *("authorization", "connection", "cookie", "expect", "host", "origin", "set-cookie"),
        *("proxy-authorization", "transfer-encoding", "upgrade", "x-request-id"),
        *("accept", "forwarded", "referer", "user-agent", "via", "x-forwarded-for", "x-real-ip"),
    )
)
"""Headers that say something else."""
_TAKEN_BEGINNINGS: Final = ("content-", "x-lighton-")
SIGNED, SECRET, PLAIN, GROUPS = (
    *("signed_user_header", "signed_user_secret_env"),
    *("trust_user_header", "trust_groups_header"),
)
HEADERS: Final = (SIGNED, PLAIN, GROUPS)


def header_name(value: Any) -> str:
    """Raises ValueError that says what the value must be."""
    if not isinstance(value, str) or _HEADER.fullmatch(value) is None:
        raise ValueError("must be the name of a header: letters, digits, '-' and '_'")
    if value.lower() in _TAKEN or value.lower().startswith(_TAKEN_BEGINNINGS):
        raise ValueError("must not be a header that already says something else")
    return value


READERS: Final[Mapping[str, Callable[[Any], str]]] = dict.fromkeys(HEADERS, header_name)


def people_of(values: Mapping[str, Any]) -> PeopleHeaders | None:
    """What the fields say together; None if the key stands for nobody but itself.

    Raises ValueError that names the field at fault.
    """
    signed, secret = values.get(SIGNED, ""), values.get(SECRET, "")
    plain, groups = values.get(PLAIN, ""), values.get(GROUPS, "")
    if signed and plain:
        raise ValueError(f"{PLAIN}: {SIGNED} names the user already: keep one of them")
    if signed and not secret:
        raise ValueError(f"{SECRET}: is missing; {SIGNED} needs it")
    if secret and not signed:
        raise ValueError(f"{SIGNED}: is missing; {SECRET} is for it")
    user = signed or plain
    if groups and not user:
        raise ValueError(f"{GROUPS}: needs {SIGNED} or {PLAIN}, which says whose groups they are")
    if groups and groups.lower() == user.lower():
        raise ValueError(f"{GROUPS}: must be another header than that of the user")
    return PeopleHeaders(user, secret, groups) if user else None
