"""The settings in force as a TOML file, each with where it comes from.

Settings that are read from this file again are the same, but for secrets, which it does not hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from proxy.addresses import HIDDEN, without_secrets
from proxy.settings.schema import Settings
from proxy.settings.secret_files import is_secret
from proxy.settings.sources import Source
from proxy.settings.toml_text import comment_text, key_text, value_text

DEFAULT: Final = "default"
_TABLES: Final = ("identity", "prices", "access", "profiles")
"""Settings that are tables, which TOML wants after all others."""


def shown(settings: Settings, sources: Sequence[Source]) -> Iterator[str]:
    """The lines of the file. `sources` are those that the settings were built from."""
    for name in Settings.model_fields:
        if name not in _TABLES or not getattr(settings, name):
            yield _plain(name, settings, sources)
    for name in ("identity", "prices"):
        if (table := getattr(settings, name)) is not None:
            yield from _table((name,), table.model_dump(exclude_none=True), sources)
    for rule in settings.access:
        yield ""
        yield f"[[access]]  {comment_text(_origin(('access',), sources))}"
        yield from (
            f"{key_text(field)} = {value_text(each)}" for field, each in rule.written.items()
        )
    for name, profile in settings.profiles.items():
        given = profile.model_dump(exclude_unset=True, exclude_none=True)
        yield from _table(("profiles", name), given, sources)


def _plain(name: str, settings: Settings, sources: Sequence[Source]) -> str:
    """One setting on one line: as a comment if it is a secret, or not set."""
    value, origin = getattr(settings, name), _origin((name,), sources)
    if value is None:
        return comment_text(f"{name} is not set")
    if not is_secret(Settings.model_fields[name]):
        return _line(name, value, origin)
    hidden = [HIDDEN] * len(value) if isinstance(value, tuple) else HIDDEN
    return comment_text(f"{key_text(name)} = {value_text(hidden)}  {comment_text(origin)}")


def _line(name: str, value: object, origin: str) -> str:
    """A setting with its value, as a comment if it is an address that may hold a secret."""
    seen = _seen(value)
    line = f"{key_text(name)} = {value_text(seen)}  {comment_text(origin)}"
    return line if seen == value else comment_text(line)


def _seen(value: object) -> object:
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, tuple):
        return tuple(map(_seen, value))
    return value


def _table(
    path: tuple[str, ...], table: Mapping[str, object], sources: Sequence[Source]
) -> Iterator[str]:
    """A table with those inside it. A profile's stand on one line each."""
    inner = {
        name: each
        for name, each in table.items()
        if isinstance(each, Mapping) and path[0] != "profiles"
    }
    if len(inner) < len(table) or not table:
        yield ""
        yield f"[{key_text(*path)}]"
    for name, value in table.items():
        if name not in inner:
            yield _line(name, value, _origin((*path, name), sources))
    for name, each in inner.items():
        yield from _table((*path, name), each, sources)


def _origin(path: tuple[str, ...], sources: Sequence[Source]) -> str:
    """The first source that has it. A default may be one of a table that some source has."""
    found = (each.origin(path[0]) for each in sources if each.holds(path))
    return next(found, DEFAULT)
