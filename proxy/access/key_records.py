"""What the key file says of a key: a table `[keys.NAME]`, read into a record.

The file holds no secret: of each key it has the SHA-256 of 256 random bits, which nobody can turn
back. No message repeats a value all the same, because a person may have put one there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Final

from proxy.access.clients import PeopleHeaders
from proxy.access.grant_fields import (
    LIMITS,
    WEIGHT,
    grant_of,
    read_amount,
    read_models,
    read_names,
    read_retrieval,
    read_weight,
    read_workspaces,
)
from proxy.access.grants import Grant
from proxy.access.people_fields import READERS, SECRET, people_of
from proxy.errors import SettingsError

_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_VARIABLE: Final = re.compile(r"[A-Z_][A-Z0-9_]{0,199}")
_SETTINGS: Final = "RAG_PROXY_"


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret that opens a key: its hash, and when it ends."""

    sha256: bytes
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A client key. Its secret may change; its id never does."""

    name: str
    id: str
    secret: Secret
    grant: Grant
    created: datetime | None = None
    expires: datetime | None = None
    """From this moment on the key opens nothing, whichever secret it has."""
    previous: tuple[Secret, ...] = ()
    """Earlier secrets, of which each opens the key until its own end."""
    people: PeopleHeaders | None = None


def records_of(document: Mapping[str, Any]) -> tuple[KeyRecord, ...]:
    """The keys of a whole file. Raises SettingsError with every problem."""
    problems = [
        f"{name}: no such table; a key file has only tables [keys.NAME]"
        for name in document
        if name != "keys"
    ]
    tables = document.get("keys", {})
    if not isinstance(tables, Mapping):
        raise SettingsError(*problems, "keys: must hold tables [keys.NAME]")
    records = []
    for name, table in tables.items():
        try:
            records.append(record_of(name, table))
        except SettingsError as error:
            problems += error.problems
    problems += _repeated(records)
    if problems:
        raise SettingsError(*problems)
    return tuple(records)


def record_of(name: str, table: object) -> KeyRecord:
    """The key of one table. Raises SettingsError with every problem."""
    if not is_name(name):
        raise SettingsError(
            "keys: a key's name must be 1 to 64 of the characters A-Z, a-z, 0-9, '.', '_' and "
            "'-'; a name with a dot needs quotes in the file"
        )
    if not isinstance(table, Mapping):
        raise SettingsError(f"keys.{name}: must be a table")
    values: dict[str, Any] = {}
    problems = [
        f"keys.{name}.{field}: is missing" for field in ("id", "sha256") if field not in table
    ]
    for field, value in table.items():
        try:
            values[field] = _FIELDS.get(field, _unknown)(value)
        except ValueError as error:
            shown = field if is_name(field) else "a field"
            problems.append(f"keys.{name}.{shown}: {error}")
    if problems:
        raise SettingsError(*problems)
    try:
        people = people_of(values)
    except ValueError as error:
        raise SettingsError(f"keys.{name}.{error}") from None
    return KeyRecord(
        name,
        values["id"],
        Secret(values["sha256"]),
        grant_of(values),
        values.get("created"),
        values.get("expires"),
        values.get("previous", ()),
        people,
    )


def is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None


def _repeated(records: Iterable[KeyRecord]) -> list[str]:
    """Keys that share a secret or an id: it would be open which of them is meant."""
    problems = []
    owners: dict[bytes | str, str] = {}
    for record in records:
        marks: list[bytes | str] = [record.id, record.secret.sha256]
        marks += (each.sha256 for each in record.previous)
        owner = next((owners[mark] for mark in marks if mark in owners), None)
        if owner is not None:
            problems.append(f"keys.{record.name}: has an id or a hash that keys.{owner} has, too")
        owners |= dict.fromkeys(marks, record.name)
    return problems


# The fields


def _unknown(_value: Any) -> Any:
    raise ValueError(f"no such field; there are {', '.join(_FIELDS)}")


def _matching(pattern: re.Pattern[str], fault: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str) or pattern.fullmatch(value) is None:
            raise ValueError(fault)
        return value

    return read


def _sha256(value: Any) -> bytes:
    read = _matching(_SHA256, "must be 64 hexadecimal digits: only `rag-proxy keys` writes it")
    return bytes.fromhex(read(value))


def _moment(value: Any) -> datetime:
    """In UTC. A date is its beginning, and what names no time zone is in UTC already."""
    if isinstance(value, datetime):
        moment = in_utc(value)
        if moment is None:
            raise ValueError("must be a date, or a date with a time, of the years 1 to 9999 in UTC")
        return moment
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    raise ValueError("must be a date, or a date with a time, without quotes")


def in_utc(moment: datetime) -> datetime | None:
    """None for a moment whose year is not one of 1 to 9999 there."""
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        return None


def _variable(value: Any) -> str:
    name = _matching(
        _VARIABLE, "must be the name of an environment variable, in capitals: not its value"
    )(value)
    if name.startswith(_SETTINGS):
        raise ValueError(f"must not begin with {_SETTINGS}: such variables are settings")
    return name


def _metrics(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")  # noqa: TRY004 - the caller collects faults
    return value


def _previous(value: Any) -> tuple[Secret, ...]:
    is_list = isinstance(value, list) and all(isinstance(each, Mapping) for each in value)
    if not is_list or any(each.keys() != {"sha256", "until"} for each in value):
        raise ValueError("must be a list of tables with sha256 and until")
    return tuple(Secret(_sha256(each["sha256"]), _moment(each["until"])) for each in value)


_FIELDS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "id": _matching(_ID, "must be 1 to 64 letters, digits, '_' and '-'"),
    "sha256": _sha256,
    "previous": _previous,
    "created": _moment,
    "expires": _moment,
    "workspaces": read_workspaces,
    "profiles": read_names,
    "models": read_models,
    "retrieval": read_retrieval,
    **dict.fromkeys(LIMITS, read_amount),
    WEIGHT: read_weight,
    "metrics": _metrics,
    "lighton_key_env": _variable,
    **READERS,
    SECRET: _variable,
}
"""The fields of a table. Each reader raises ValueError that says what the value must be."""
