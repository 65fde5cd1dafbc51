"""Edits of a key file's text that leave all else as a person wrote it, comments among it.

Each finds its lines by the headers `[keys.NAME]`. TOML can say the same in other forms, so whoever
edits parses the result, and compares: see `key_store`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

_HEADER: Final = re.compile(r"""\s*\[\[?\s*keys\s*\.\s*(?:"([^"]*)"|'([^']*)'|([\w-]+))\s*[].]""")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_ASSIGNED: Final = re.compile(r"\s*(\w+)\s*=")


def with_table(text: str, name: str, values: Mapping[str, Any]) -> str:
    """The text with one more table at its end."""
    header = name if _BARE.fullmatch(name) else f'"{name}"'
    lines = "".join(_line(field, value) for field, value in values.items())
    gap = "" if not text or text.endswith("\n\n") else "\n" if text.endswith("\n") else "\n\n"
    return f"{text}{gap}[keys.{header}]\n{lines}"


def without_table(text: str, name: str) -> str:
    """The text without a table, and without the comments right above it."""
    lines = _lines(text)
    kept = [line for line, owner in zip(lines, _owners(lines), strict=True) if owner != name]
    return "".join(kept)


def with_values(text: str, name: str, values: Mapping[str, Any]) -> str:
    """The text with other values of fields in a table that has one of them. None removes a field.

    They stand where the first of them stood.
    """
    lines = _lines(text)
    owners = _owners(lines)
    places = [
        place
        for place, (line, owner) in enumerate(zip(lines, owners, strict=True))
        if owner == name and (said := _ASSIGNED.match(line)) and said[1] in values
    ]
    if not places:
        return text
    new = "".join(_line(field, value) for field, value in values.items() if value is not None)
    for place in places:
        lines[place] = ""
    lines[places[0]] = new
    return "".join(lines)


def _lines(text: str) -> list[str]:
    """The lines with their ends. Python's own method would split at more than TOML's line break."""
    return [line for line in re.split(r"(?<=\n)", text) if line]


def _owners(lines: Sequence[str]) -> list[str | None]:
    """The key in whose table each line stands. Comments right above a header belong to it."""
    owners: list[str | None] = []
    owner = None
    for place, line in enumerate(lines):
        if line.lstrip().startswith("["):
            found = _HEADER.match(line)
            owner = next(filter(None, found.groups()), None) if found else None
            above = place
            while above and lines[above - 1].lstrip().startswith("#"):
                above -= 1
            owners[above:] = [owner] * (place - above)
        owners.append(owner)
    return owners


def _line(field: str, value: Any) -> str:
    return f"{field} = {_written(value)}\n"


def _written(value: Any) -> str:
    """A value as TOML. Times are in UTC, to the second."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{field} = {_written(each)}" for field, each in value.items())
        return f"{{ {pairs} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", r"\u007f")  # TOML is stricter
