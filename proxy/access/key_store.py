"""Changes to the key file: under a lock, and each as a whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from proxy.access.key_file import parse_keys
from proxy.access.key_records import KeyRecord
from proxy.access.key_text import with_table, with_values, without_table
from proxy.access.watched_file import read_text
from proxy.errors import SettingsError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_BEGINNING: Final = (
    "# Client keys of rag-proxy, which the command `rag-proxy keys` makes and ends. The file has\n"
    "# hashes of them, not the keys. The proxy reads it again when it changes.\n\n"
)
_PRIVATE: Final = 0o600
_OWNER_AND_GROUP_READ: Final = 0o640


def add_key(path: Path, name: str, values: Mapping[str, Any]) -> None:
    """Add a table. Raises SettingsError if the name is taken, or if the table would be invalid."""
    with _locked(path) as (file, text, tables):
        if name in tables:
            raise SettingsError(
                f"{file}: there is a key named {name}: revoke it first, or give it a new secret "
                "with `rag-proxy keys rotate`"
            )
        longer = with_table(text or _BEGINNING, name, values)
        _write(file, longer, name, {**tables, name: dict(values)})


def revoke_key(path: Path, name: str) -> None:
    """Remove a table. Raises SettingsError if there is none."""
    with _locked(path) as (file, text, tables):
        _table(file, tables, name)
        rest = {each: table for each, table in tables.items() if each != name}
        _write(file, without_table(text, name), name, rest)


def rotate_key(path: Path, name: str, sha256: str, *, now: datetime, until: datetime) -> None:
    """Put a new secret in the place of the old one, which still opens the key `until` then.

    No secret before the old one lasts longer. Raises SettingsError if there is no such key, or if
    it has expired.
    """
    with _locked(path) as (file, text, tables):
        table = _table(file, tables, name)
        (record,) = (each for each in parse_keys(text, file) if each.name == name)
        if record.expires is not None and record.expires <= now:
            raise SettingsError(
                f"{file}: {name} has expired, and so would its new secret: change `expires` in the "
                "file, or revoke the key and make another"
            )
        changes = {"sha256": sha256, "previous": _earlier(record, now, until) or None}
        changed = {
            field: value for field, value in {**table, **changes}.items() if value is not None
        }
        _write(file, with_values(text, name, changes), name, {**tables, name: changed})


def _earlier(record: KeyRecord, now: datetime, until: datetime) -> list[dict[str, Any]]:
    """The secrets of a key that goes on with another, where they open it beyond `now`."""
    until = until.replace(microsecond=0)
    ends = {
        each.sha256: min(each.until or until, until) for each in (record.secret, *record.previous)
    }
    return [{"sha256": sha256.hex(), "until": end} for sha256, end in ends.items() if end > now]


def _read(path: Path) -> tuple[str, dict[str, Any]]:
    """The text of a valid key file and its tables; nothing if there is no file."""
    text = read_text(path) or ""
    parse_keys(text, path)
    return text, tomllib.loads(text).get("keys", {})


def _table(path: Path, tables: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    if name not in tables:
        raise no_such_key(path, tables, name)
    table: Mapping[str, Any] = tables[name]
    return table


def no_such_key(path: Path, names: Mapping[str, Any], name: str) -> SettingsError:
    nearest = get_close_matches(name, names, n=1)
    hint = f"; did you mean {nearest[0]}?" if nearest else ""
    return SettingsError(f"{path}: no key is named {name}{hint}")


def _write(path: Path, text: str, name: str, tables: Mapping[str, Any]) -> None:
    """Replace the file's text, which must say `tables` and nothing else."""
    try:
        says = tomllib.loads(text).get("keys", {})
    except tomllib.TOMLDecodeError:
        says = None
    if says != tables:
        raise SettingsError(
            f"{path}: [keys.{name}] is written in a form that this command cannot change: change "
            "it in an editor"
        )
    parse_keys(text, path)
    try:
        _replace(path, text)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be written ({error.strerror})") from error


def _replace(path: Path, text: str) -> None:
    """Write beside the file and rename. A reader finds the old text or the new one, never half."""
    descriptor, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(descriptor, "w", encoding="utf-8", newline="") as file:  # noqa: PTH123 - a descriptor
            _take_after(descriptor, path)
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        Path(beside).replace(path)
    except BaseException:  # also Ctrl-C: half a file with secrets must not stay
        Path(beside).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _take_after(descriptor: int, path: Path) -> None:
    """Give the new file the old one's owner, and its group's right to read it if there is one.

    Otherwise the proxy could no longer read what an administrator has changed.
    """
    try:
        old = path.stat()
    except FileNotFoundError:
        return
    if hasattr(os, "fchown"):  # not on Windows
        with suppress(PermissionError):
            os.fchown(descriptor, old.st_uid, old.st_gid)
        os.fchmod(descriptor, _PRIVATE | stat.S_IMODE(old.st_mode) & _OWNER_AND_GROUP_READ)


def _sync_folder(folder: Path) -> None:
    """Let the renaming outlast a loss of power, where the system can do that for a folder."""
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _locked(path: Path) -> Iterator[tuple[Path, str, dict[str, Any]]]:
    """Keep other commands out meanwhile. Gives the file, its text and its tables.

    If the path is a symbolic link, the file is where it leads.
    """
    path = Path(os.path.realpath(path))
    try:
        lock = os.open(path.with_name(f"{path.name}.lock"), os.O_CREAT | os.O_RDWR, _PRIVATE)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be written ({error.strerror})") from error
    try:
        if fcntl is not None:
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield path, *_read(path)
    finally:
        os.close(lock)
