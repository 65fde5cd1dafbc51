"""The settings of this process, from flags, the environment, `.env` and a TOML file.

Nothing else in the proxy reads the environment or the files of settings. The sources win in this
order.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import InitSettingsSource

from proxy.errors import SettingsError
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


def load_settings(config: Path | None = None, **overrides: object) -> Settings:
    """The settings of this process. `overrides` are command-line flags; None means not given.

    Raises SettingsError with every problem found.
    """
    fields = Settings.model_fields
    dotenv = read_dotenv(DOTENV)
    named = os.environ.get(CONFIG_VARIABLE) or dotenv.get(CONFIG_VARIABLE)
    file = config or (Path(named) if named else None)
    return _build(
        (
            from_flags(overrides),
            from_environment(fields, os.environ),
            from_environment(fields, dotenv, f" in {DOTENV}"),
            from_toml(file) if file else Source(),
        )
    )


def variable_names() -> frozenset[str]:
    """The names of the variables in the environment and in `.env`, without their values."""
    return frozenset((*os.environ, *read_dotenv(DOTENV)))


def load_named_secrets() -> NamedSecrets:
    """The search keys in the environment of this process and, where it has none, in `.env`."""
    given = {name: value for name, value in os.environ.items() if value.strip()}
    return NamedSecrets({**read_dotenv(DOTENV), **given})


def _build(sources: Sequence[Source]) -> Settings:
    """Take each setting from the first source that has it."""
    layers = tuple(InitSettingsSource(Settings, dict(source.values)) for source in sources)
    problems = [problem for source in sources for problem in source.problems]
    try:
        settings = Settings(_build_sources=(layers, {}))
    except ValidationError as error:
        problems += [
            _problem(each, sources)
            for each in error.errors()
            if each["type"] != "default_factory_not_called"  # a result of another error
        ]
    if problems:
        raise SettingsError(*problems)
    return settings


def _problem(error: ErrorDetails, sources: Sequence[Source]) -> str:
    """One line for one validation error, with the name that its source uses."""
    path = [part for part in error["loc"] if isinstance(part, str) and part != "[key]"]
    source = next((each for each in sources if each.holds(path)), Source())
    if error["type"] != "extra_forbidden":
        return f"{source.label(path)}: {fault(error)}"
    if len(path) > 1 and isinstance(error["input"], Mapping):
        return f"{source.label(path)}: {unquoted('.'.join(path[1:]))}"
    inner = ModelPriceSettings if path[0] == "prices" else Profile
    fields = Settings.model_fields if len(path) == 1 else inner.model_fields
    known = {name: name for name in fields}
    return f"{source.label(path)}: {unknown(path[-1].lower(), known)}"
