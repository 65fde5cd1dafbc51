"""People whom a front-end names in headers beside its key.

Only a key that says so stands for people: see `PeopleHeaders`. Anybody who has the key can write a
plain header, so it proves only that the front-end, or whoever has its key, says so. A signed one
proves that somebody who knows the secret does.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Final

from proxy.access.clients import PeopleHeaders, Person
from proxy.access.people import person_of
from proxy.errors import IdentityUnavailable, NoPerson, Unauthorized

RawHeaders = Sequence[tuple[bytes, bytes]]
"""As ASGI has them: names in lower case, values as they were sent."""

SecretOf = Callable[[str], str | None]
"""The text in a variable of the environment; None if it is not set."""

_ESCAPED: Final = re.compile(r"(?:%[89A-Fa-f][0-9A-Fa-f])+")
"""Bytes beyond ASCII, as Open WebUI writes them in its custom headers."""


class UserHeaders:
    """Reads the person from the headers of a request."""

    def __init__(self, secret_of: SecretOf, now: Callable[[], float] = time.time) -> None:
        self._secret_of = secret_of
        self._now = now

    def person(self, said: PeopleHeaders, raw: RawHeaders) -> Person:
        """Raises NoPerson if there is none, Unauthorized for a wrong one, IdentityUnavailable."""
        name = _only(said.user, raw)
        if not name:
            raise NoPerson(
                f"This API key stands for people, so each request must name one in the header "
                f"{said.user!r}. There is none."
            )
        groups = groups_in(_only(said.groups, raw)) if said.groups else ()
        if said.secret_env:
            return self._signed(said, name, groups)
        if "," in name:  # as a reverse proxy joins what was sent twice
            raise _wrong(said.user, "must name one person, without a comma")
        return _person(said.user, name, groups)

    def _signed(self, said: PeopleHeaders, token: str, groups: Sequence[str]) -> Person:
        secret = self._secret_of(said.secret_env)
        if secret is None:
            raise IdentityUnavailable(
                "The secret that proves who asks is not set. The operator of the proxy must set "
                f"{said.secret_env}."
            )
        try:
            from proxy.access import signed_user  # noqa: PLC0415 - its library is in an extra
        except ModuleNotFoundError:
            raise IdentityUnavailable(
                "The proxy cannot check who asks. Its operator must install rag-proxy[identity]."
            ) from None
        return signed_user.person_in(token, secret, groups, said.user, self._now())


def groups_in(text: str) -> tuple[str, ...]:
    """The groups in a header: names with commas between, without the white space around them.

    Open WebUI (0.12) writes each byte beyond ASCII as %XX and leaves all else as it is, `%` too. So
    only such bytes are put back: a group that is named `%68r` is not the group hr.
    """
    names = (_ESCAPED.sub(_unescaped, part.strip()) for part in text.split(","))
    return tuple(name for name in names if name)


def _unescaped(found: re.Match[str]) -> str:
    try:
        return bytes.fromhex(found[0].replace("%", "")).decode()
    except ValueError:
        return found[0]


def _only(header: str, raw: RawHeaders) -> str:
    """The value of a header; "" if it is not there. Twice is once too often: one is smuggled in."""
    name = header.lower().encode()
    values = [value for key, value in raw if key == name]
    if len(values) > 1:
        raise _wrong(header, "is there more than once")
    try:
        return values[0].decode() if values else ""
    except UnicodeDecodeError:
        raise _wrong(header, "is not UTF-8 text") from None


def _person(header: str, name: str, groups: Sequence[str]) -> Person:
    try:
        return person_of(name, groups)
    except ValueError as error:
        raise _wrong(header, str(error)) from None


def _wrong(header: str, fault: str) -> Unauthorized:
    return Unauthorized(f"The header {header!r} {fault}.")
