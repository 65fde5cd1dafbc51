"""`rag-proxy keys`: make, show and end client keys.

A new key goes to stdout, alone on its line and only once. All else goes to stderr, so that
`KEY=$(rag-proxy keys add NAME)` holds the key and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click

from proxy.access.grant_fields import LIMITS, WEIGHT
from proxy.access.key_file import read_keys
from proxy.access.key_making import hash_of, make_id, make_key
from proxy.access.key_records import KeyRecord, in_utc, record_of
from proxy.access.key_store import add_key, no_such_key, revoke_key, rotate_key
from proxy.access.people_fields import HEADERS, SECRET
from proxy.commands.key_table import json_of, lines_of, summary_of, table_of
from proxy.errors import SettingsError
from proxy.settings import Settings, load_settings
from proxy.settings.key_checks import missing_profiles

_OVERLAP: Final = re.compile(r"(\d{1,6})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def run_add(
    config: Path | None, keys_file: str | None, name: str, wishes: Mapping[str, Any]
) -> None:
    """Make a key. `wishes` are the options of the command, by name."""
    path, settings = _file_and_settings(config, keys_file)
    now = datetime.now(UTC).replace(microsecond=0)
    key = make_key()
    values = {"id": make_id(), "sha256": hash_of(key), "created": now, **_values(wishes)}
    record = record_of(name, values)
    _refuse_what_is_over(record, now)
    _refuse_unknown_profiles(record, settings)
    add_key(path, name, values)
    _tell(f"{name} opens {summary_of(record)}")
    _tell(f"its key, of which {path} keeps a hash, is shown only now:")
    click.echo(key)
    if record.grant.workspaces == frozenset() and not record.grant.may_read_metrics:
        _tell(
            f"warning: {name} sees no workspace, so whatever would search gets a 403; give a key "
            "--workspace ID or --all-workspaces"
        )
    if record.people is not None and not record.people.secret_env:
        _tell(
            f"warning: whoever has this key can name anybody in {record.people.user}; where the "
            "front-end can sign who asks, use --signed-user-header"
        )


def run_list(config: Path | None, keys_file: str | None, *, as_json: bool) -> None:
    records = read_keys(_file(config, keys_file))
    if as_json:
        click.echo(json.dumps([json_of(each) for each in records], indent=2))
        return
    for line in table_of(records, datetime.now(UTC)):
        click.echo(line)


def run_show(config: Path | None, keys_file: str | None, name: str, *, as_json: bool) -> None:
    path = _file(config, keys_file)
    records = {each.name: each for each in read_keys(path)}
    if name not in records:
        raise no_such_key(path, records, name)
    if as_json:
        click.echo(json.dumps(json_of(records[name]), indent=2))
        return
    for line in lines_of(records[name], datetime.now(UTC)):
        click.echo(line)


def run_revoke(config: Path | None, keys_file: str | None, name: str) -> None:
    path = _file(config, keys_file)
    revoke_key(path, name)
    _tell(f"{name} opens nothing any more, as soon as the proxy has read {path} again.")
    if not read_keys(path):
        _tell(f"warning: {path} holds no keys now: the proxy lets nobody in")


def run_rotate(config: Path | None, keys_file: str | None, name: str, overlap: str) -> None:
    path = _file(config, keys_file)
    now = datetime.now(UTC).replace(microsecond=0)
    until = now + _duration(overlap)
    key = make_key()
    rotate_key(path, name, hash_of(key), now=now, until=until)
    end = "opens nothing any more" if until == now else f"works until {until:%Y-%m-%d %H:%M:%S %Z}"
    _tell(f"{name}: the old secret {end}; the new one is shown only now:")
    click.echo(key)


def _file(config: Path | None, keys_file: str | None) -> Path:
    path, _ = _file_and_settings(config, keys_file)
    return path


def _file_and_settings(config: Path | None, keys_file: str | None) -> tuple[Path, Settings | None]:
    """The key file, and the settings. Where the file is given, they need not be valid."""
    settings = None
    try:
        settings = load_settings(config)
    except SettingsError:
        if keys_file is None:
            raise
    path = keys_file or (settings.keys_file if settings else None)
    if path is None:
        raise SettingsError(
            "no key file is named: set RAG_PROXY_KEYS_FILE, for the proxy too, or use --keys-file"
        )
    return Path(path), settings


def _values(wishes: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the key's table that the options ask for."""
    workspaces: Any = "all" if wishes["all_workspaces"] else list(wishes["workspaces"])
    if wishes["all_workspaces"] and wishes["workspaces"]:
        raise SettingsError("--workspace: names some, and --all-workspaces all: use one of them")
    models: Any = "any" if wishes["any_model"] else list(wishes["models"])
    if wishes["any_model"] and wishes["models"]:
        raise SettingsError("--model: names some, and --any-model all: use one of them")
    modes = wishes["retrieval"]
    values = {
        "workspaces": workspaces,
        "profiles": list(wishes["profiles"]) or None,
        "models": models or None,
        "retrieval": [each.strip() for each in modes.split(",")] if modes is not None else None,
        **{limit: wishes[limit] for limit in (*LIMITS, WEIGHT)},
        "expires": None if wishes["expires"] is None else _expiry(wishes["expires"]),
        "metrics": wishes["metrics"] or None,
        "lighton_key_env": wishes["lighton_key_env"],
        **{field: wishes[field] for field in (*HEADERS, SECRET)},
    }
    return {field: value for field, value in values.items() if value is not None}


def _expiry(text: str) -> datetime:
    try:
        moment = in_utc(datetime.fromisoformat(text))
    except ValueError:
        moment = None
    if moment is None:
        raise SettingsError(
            "--expires: must be a date like 2027-01-31, or with a time 2027-01-31T18:00+01:00"
        )
    return moment.replace(microsecond=0)


def _duration(text: str) -> timedelta:
    if text == "0":
        return timedelta()
    if found := _OVERLAP.fullmatch(text):
        return timedelta(**{_UNITS[found[2]]: int(found[1])})
    raise SettingsError("--overlap: must be like 24h, 30m or 7d, or 0 for none")


def _refuse_what_is_over(record: KeyRecord, now: datetime) -> None:
    if record.expires is not None and record.expires <= now:
        raise SettingsError("--expires: must be in the future")


def _refuse_unknown_profiles(record: KeyRecord, settings: Settings | None) -> None:
    """A key for a profile that does not exist opens nothing: that is a slip."""
    if settings is None:
        return
    for _, missing in missing_profiles([record], settings.profiles):
        there_are = ", ".join(settings.profiles) or "none"
        raise SettingsError(
            f"--profile: no profile is named {' or '.join(missing)}; there are: {there_are}"
        )


def _tell(line: str) -> None:
    click.echo(f"rag-proxy: {line}", err=True)
