"""What the rules for people and the other settings say of each other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from proxy.access.grants import Limits
from proxy.settings.key_checks import limits_apart
from proxy.settings.schema import Settings


def warnings_of_rules(settings: Settings, ways: Collection[str] = ()) -> tuple[str, ...]:
    """One line for each thing in the rules that works less well than their author may expect.

    `ways` are the names of what tells people apart: settings, and fields of keys.
    """
    return (*_nobody_admitted(settings, ways), *_missing(settings), *_apart(settings))


def _nobody_admitted(settings: Settings, ways: Collection[str]) -> Iterator[str]:
    if ways and not settings.access:
        yield (
            f"access: there are no rules for the people whom {' and '.join(ways)} may name, so "
            "each of their requests is an error 403; add tables [[access]]"
        )


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
