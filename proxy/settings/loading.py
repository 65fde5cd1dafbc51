"""The settings of this process, from flags, the environment, `.env` and a TOML file.

Nothing else in the proxy reads the environment or the files of settings. The sources win in this
order.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from proxy.errors import SettingsError
from proxy.settings.access import AccessRule
from proxy.settings.identity import OIDCSettings
from proxy.settings.messages import fault, unknown, unquoted
from proxy.settings.named_secrets import NamedSecrets
from proxy.settings.prices import ModelPriceSettings
from proxy.settings.profiles import Profile
from proxy.settings.schema import Settings
from proxy.settings.sources import (
    CONFIG_VARIABLE,
    Source,
    from_environment,
    from_flags,
    from_toml,
    read_dotenv,
)

DOTENV: Final = Path(".env")
_MOST_TOLD: Final = 100
"""Problems that are told one by one: to find the setting that was meant takes a while for each."""
_TABLES: Final[Mapping[str, type[BaseModel]]] = {
    "access": AccessRule,
    "identity": OIDCSettings,
    "prices": ModelPriceSettings,
}
"""The tables that are no profiles, by the setting that holds them."""
_NAMED_BY_US: Final = (AccessRule, OIDCSettings)
"""Tables whose place says what they are: nobody chooses a name for them."""


def load_settings(config: Path | None = None, **overrides: object) -> Settings:
    """The settings of this process. `overrides` are command-line flags; None means not given.

    Raises SettingsError with every problem found.
    """
    return build_settings(read_sources(config, **overrides))


def read_sources(config: Path | None = None, **overrides: object) -> tuple[Source, ...]:
    """The sources of the settings of this process; of two that have a setting, the first wins.

    Raises SettingsError for a file that cannot be read.
    """
    fields = Settings.model_fields
    dotenv = read_dotenv(DOTENV)
    file = settings_file(config, dotenv)
    return (
        from_flags(overrides),
        from_environment(fields, os.environ),
        from_environment(fields, dotenv, f" in {DOTENV}"),
        from_toml(file) if file else Source(),
    )


def settings_file(
    config: Path | None = None, dotenv: Mapping[str, str | None] | None = None
) -> Path | None:
    """The TOML file of settings: of the flag, or as the environment or `.env` names it."""
    if config is not None:
        return config
    given = read_dotenv(DOTENV) if dotenv is None else dotenv
    named = os.environ.get(CONFIG_VARIABLE) or given.get(CONFIG_VARIABLE)
    return Path(named) if named else None


def variable_names() -> frozenset[str]:
    """The names of the variables in the environment and in `.env`, without their values."""
    return frozenset((*os.environ, *read_dotenv(DOTENV)))


def load_named_secrets() -> NamedSecrets:
    """The search keys in the environment of this process and, where it has none, in `.env`."""
    given = {name: value for name, value in os.environ.items() if value.strip()}
    return NamedSecrets({**read_dotenv(DOTENV), **given})


def build_settings(sources: Sequence[Source]) -> Settings:
    """Take each setting, and each key of a table, from the first source that has it.

    Raises SettingsError with every problem found.
    """
    problems = [problem for source in sources for problem in source.problems]
    more = 0
    try:
        settings = Settings.model_validate(reduce(_together, (each.values for each in sources)))
    except ValidationError as error:
        found = [
            each
            for each in error.errors()
            if each["type"] != "default_factory_not_called"  # a result of another error
        ]
        problems += [_problem(each, sources) for each in found[:_MOST_TOLD]]
        more = len(found) - _MOST_TOLD
    if more > 0:
        problems.append(f"and {more:,} more")
    if problems:
        raise SettingsError(*problems)
    return settings


def _together(first: Mapping[str, Any], then: Mapping[str, Any]) -> Mapping[str, Any]:
    """What both hold, and `first` if both hold a value. Of two tables, each key by itself."""
    shared = {
        name: _together(value, then[name])
        for name, value in first.items()
        if isinstance(value, Mapping) and isinstance(then.get(name), Mapping)
    }
    return {**then, **first, **shared}


def _problem(error: ErrorDetails, sources: Sequence[Source]) -> str:
    """One line for one validation error, with the name that its source uses."""
    path = _path(error["loc"])
    source = next((each for each in sources if each.holds(path)), Source())
    if error["type"] != "extra_forbidden":
        is_one_rule = error["loc"] == ("access",) and isinstance(error["input"], Mapping)
        said = "must be [[access]], in two brackets" if is_one_rule else fault(error)
        return f"{source.label(path)}: {said}"
    inner = _TABLES.get(str(path[0]), Profile)
    if len(path) > 1 and isinstance(error["input"], Mapping) and inner not in _NAMED_BY_US:
        return f"{source.label(path)}: {unquoted('.'.join(map(str, path[1:])))}"
    fields = Settings.model_fields if len(path) == 1 else inner.model_fields
    known = {name: name for name in fields}
    if path[:-1] == ["identity"]:  # one level too high, or another name than oidc
        known = {name: f"identity.oidc.{name}" for name in fields} | {"oidc": "identity.oidc"}
    return f"{source.label(path)}: {unknown(str(path[-1]).lower(), known)}"


def _path(location: Sequence[int | str]) -> list[int | str]:
    """The keys that lead to a value. What is wrong says itself which item of a list it is."""
    path = [part for part in location if part != "[key]"]
    return path[:-1] if isinstance(path[-1], int) else path
