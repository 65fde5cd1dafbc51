"""What the key file and the other settings say of each other."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from proxy.access.grants import Limits
from proxy.access.key_file import client_of, read_keys
from proxy.access.key_records import KeyRecord
from proxy.settings.named_secrets import NO_SECRETS, NamedSecrets
from proxy.settings.schema import Settings

_NAMED: Final = 3
"""So many keys are named in a warning that many may share."""
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


def warnings_of_keys(settings: Settings, secrets: NamedSecrets = NO_SECRETS) -> tuple[str, ...]:
    """One line for each thing in the key file that works less well than its author may expect.

    Raises SettingsError for a file that cannot be read: at the start there are no keys that could
    stay.
    """
    if settings.keys_file is None:
        return ()
    path = Path(settings.keys_file)
    records = read_keys(path)
    warnings = [
        f"{path}: keys.{name}.profiles: no profile is named {' or '.join(missing)}"
        for name, missing in missing_profiles(records, settings.profiles)
    ]
    if settings.redis_url is None:
        limits = {each.name: each.grant.limits for each in records if each.grant.limits != Limits()}
        apart = limits_apart(settings.workers, limits, "keys")
        warnings += (f"{path}: {warning}" for warning in apart)
    warnings += (f"{path}: {warning}" for warning in secrets.weak(map(client_of, records)))
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


def limits_apart(workers: int, limits: Mapping[str, Limits], kind: str) -> Iterator[str]:
    """What limits do not hold against, where processes share no counts.

    They are those of keys or rules, a `kind` of thing, by its name.
    """
    named = some(list(limits), kind)
    budgets = [name for name, each in limits.items() if each.daily_tokens or each.monthly_tokens]
    if limits and workers > 1:
        yield (
            f"each of the {workers} workers counts the limits of {named} by itself, "
            "so together they may use that many times as much; set RAG_PROXY_REDIS_URL to count "
            "together"
        )
    elif budgets:
        yield (
            f"the daily and monthly tokens of {some(budgets, kind)} begin anew when the proxy "
            "starts again; set RAG_PROXY_REDIS_URL to keep the counts"
        )


def some(names: Sequence[str], kind: str) -> str:
    """The first names, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more {kind}" if more > 0 else "")
