"""What the rules for people and the other settings say of each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from proxy.access.grants import Limits
from proxy.access.key_file import read_keys
from proxy.settings.key_checks import limits_apart, some
from proxy.settings.schema import Settings


def warnings_of_rules(settings: Settings) -> tuple[str, ...]:
    """One line for each thing in the rules that works less well than their author may expect.

    Raises SettingsError for a key file that cannot be read.
    """
    return (*_nobody_admitted(settings), *_missing(settings), *_apart(settings))


def _nobody_admitted(settings: Settings) -> Iterator[str]:
    ways = _ways(settings)
    if ways and not settings.access:
        yield (
            f"access: there are no rules for the people of {some(ways, 'ways')}, so each of their "
            "requests is an error 403; add tables [[access]]"
        )


def _ways(settings: Settings) -> list[str]:
    """What tells people apart: the issuer, and the keys that stand for people."""
    ways = [] if settings.identity is None or settings.identity.oidc is None else ["identity.oidc"]
    records = () if settings.keys_file is None else read_keys(Path(settings.keys_file))
    return [*ways, *(f"keys.{each.name}" for each in records if each.people is not None)]


def _missing(settings: Settings) -> Iterator[str]:
    for number, table in enumerate(settings.access, start=1):
        missing = sorted((table.profiles or frozenset()) - settings.profiles.keys())
        if missing:
            yield f"access[{number}].profiles: no profile is named {' or '.join(missing)}"


def _apart(settings: Settings) -> Iterable[str]:
    if settings.redis_url is not None:
        return ()
    limits = {
        f"access[{number}]": table.rule.grant.limits
        for number, table in enumerate(settings.access, start=1)
    }
    limited = {name: each for name, each in limits.items() if each != Limits()}
    return limits_apart(settings.workers, limited, "rules")
