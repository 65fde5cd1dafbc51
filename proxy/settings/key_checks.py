"""What the key file and the other settings say of each other."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from proxy.access.key_file import read_keys
from proxy.access.key_records import KeyRecord
from proxy.settings.schema import Settings

_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


def warnings_of_keys(settings: Settings) -> tuple[str, ...]:
    """One line for each thing in the key file that works less well than its author may expect.

    Raises SettingsError for a file that cannot be read: at the start there are no keys that could
    stay.
    """
    if settings.keys_file is None:
        return ()
    path = Path(settings.keys_file)
    warnings = [
        f"{path}: keys.{name}.profiles: no profile is named {' or '.join(missing)}"
        for name, missing in missing_profiles(read_keys(path), settings.profiles)
    ]
    if path.exists() and path.stat().st_mode & _OTHERS_WRITE:
        warnings.append(f"{path}: others may write it, and so make keys: chmod 600 {path}")
    return tuple(warnings)


def missing_profiles(
    records: Iterable[KeyRecord], profiles: Iterable[str]
) -> list[tuple[str, list[str]]]:
    """The keys that name profiles which do not exist, with these names."""
    known = frozenset(profiles)
    found = ((each.name, sorted((each.grant.profiles or set()) - known)) for each in records)
    return [(name, missing) for name, missing in found if missing]
