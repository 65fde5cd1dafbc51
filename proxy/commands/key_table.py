"""How `rag-proxy keys` shows keys: as a table, one in full, and as JSON. Never a hash."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from proxy.access.clients import PeopleHeaders
from proxy.access.grant_fields import LIMITS
from proxy.access.grants import Grant, Limits
from proxy.access.key_records import KeyRecord

_COLUMNS: Final = ("name", "workspaces", "profiles", "models", "limits", "expires", "created")
_SHORT: Final = dict(zip(LIMITS, ("rpm", "tpm", "concurrent", "daily", "monthly"), strict=True))


def table_of(records: Iterable[KeyRecord], now: datetime) -> list[str]:
    """A header and a line for each key, in columns."""
    rows = [[name.upper() for name in _COLUMNS], *(_row(each, now) for each in records)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def lines_of(record: KeyRecord, now: datetime) -> list[str]:
    """All that the file says of one key, except hashes."""
    said = {"name": record.name, "id": record.id} | _grant(record)
    said |= {
        "retrieval": _listed(record.grant.retrieval, "any"),
        "metrics": "yes" if record.grant.may_read_metrics else "no",
        "lighton key": record.grant.lighton_key_env or "the proxy's",
        "limits": _limits(record.grant.limits),
        "weight": str(record.grant.weight),
        "created": _moment(record.created),
        "expires": _end(record.expires, now),
    }
    if record.people is not None:
        said["people"] = _people(record.people)
    if record.previous:
        ends = "; ".join(_end(each.until, now) for each in record.previous)
        said["earlier secrets"] = f"until {ends}"
    width = max(map(len, said))
    return [f"{name.ljust(width)}  {value}" for name, value in said.items()]


def summary_of(record: KeyRecord) -> str:
    """What a key opens, in one line."""
    said = _grant(record) | ({"metrics": "yes"} if record.grant.may_read_metrics else {})
    return "; ".join(f"{name}: {value}" for name, value in said.items())


def opens(grant: Grant) -> str:
    """What a key or a rule opens, with its limits, in one line."""
    said = _names(grant) | {
        "retrieval": _listed(grant.retrieval, "any"),
        "limits": _limits(grant.limits),
    }
    return "; ".join(f"{name}: {value}" for name, value in said.items())


def json_of(record: KeyRecord) -> dict[str, Any]:
    """A key as JSON. "all" and "any" are no restriction, an empty list is nothing."""
    grant = record.grant
    limits = {field: getattr(grant.limits, field) for field in LIMITS}
    return {
        "name": record.name,
        "id": record.id,
        "workspaces": _json(grant.workspaces, "all"),
        "profiles": _json(grant.profiles, "any"),
        "models": _json(grant.models, "any"),
        "retrieval": _json(grant.retrieval, "any"),
        "limits": {field: limit for field, limit in limits.items() if limit is not None},
        "weight": grant.weight,
        "metrics": grant.may_read_metrics,
        "lighton_key_env": grant.lighton_key_env or None,
        "people": None if record.people is None else asdict(record.people),
        "created": _iso(record.created),
        "expires": _iso(record.expires),
        "earlier_secrets_until": [_iso(each.until) for each in record.previous],
    }


def _grant(record: KeyRecord) -> dict[str, str]:
    return _names(record.grant)


def _names(grant: Grant) -> dict[str, str]:
    return {
        "workspaces": _listed(grant.workspaces, "all"),
        "profiles": _listed(grant.profiles, "any"),
        "models": _listed(grant.models, "any"),
    }


def _row(record: KeyRecord, now: datetime) -> Sequence[str]:
    ends = (_end(record.expires, now), _moment(record.created))
    return record.name, *_grant(record).values(), _limits(record.grant.limits), *ends


def _limits(limits: Limits) -> str:
    named = {short: getattr(limits, field) for field, short in _SHORT.items()}
    return " ".join(f"{name}={limit}" for name, limit in named.items() if limit) or "none"


def _people(people: PeopleHeaders) -> str:
    """The headers that say whom the key stands for."""
    signed = f", signed with {people.secret_env}" if people.secret_env else ", not signed"
    groups = f"; groups {people.groups}" if people.groups else ""
    return f"{people.user}{signed}{groups}"


def _listed(values: Collection[object] | None, unrestricted: str) -> str:
    if values is None:
        return unrestricted
    return ", ".join(map(str, _json(values, unrestricted))) or "none"


def _json(values: Collection[Any] | None, unrestricted: str) -> Any:
    return unrestricted if values is None else sorted(values)


def _end(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "never"
    return f"{_moment(moment)} (expired)" if moment <= now else _moment(moment)


def _moment(moment: datetime | None) -> str:
    return "unknown" if moment is None else moment.strftime("%Y-%m-%d %H:%M %Z").strip()


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
