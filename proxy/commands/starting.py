"""What must be right before settings hold, at the start and when they are read again."""

from __future__ import annotations

import os
from pathlib import Path

from proxy.errors import SettingsError
from proxy.settings import Settings, variable_names
from proxy.settings.access_checks import warnings_of_rules
from proxy.settings.checks import (
    check_exposure,
    check_profiles,
    refuse_lone_client_key,
    require_upstream_keys,
    warnings_of,
)
from proxy.settings.extras import require_extras, require_traces
from proxy.settings.key_checks import warnings_of_keys
from proxy.settings.named_secrets import NamedSecrets
from proxy.settings.sources import environment_names
from proxy.telemetry.audit_file import open_audit
from proxy.telemetry.usage_file import open_to_append
from proxy.upstreams.lighton.scope import LightOnScope


def check_start(settings: Settings, secrets: NamedSecrets) -> tuple[str, ...]:
    """One line for each thing that works less well than its user may expect.

    Raises SettingsError for settings and files that the proxy would not start with. Whoever makes
    an application learns by that which certificates it cannot use.
    """
    check_profiles(settings, LightOnScope)
    check_exposure(settings)
    refuse_lone_client_key(settings, variable_names())
    require_upstream_keys(settings, variable_names())
    require_extras(settings)
    require_traces(settings, os.environ)
    warnings = (
        *warnings_of(settings),
        *warnings_of_keys(settings, secrets),
        *warnings_of_rules(settings),
    )
    _check_usage_file(settings)
    _check_audit_file(settings)
    return warnings


def _check_usage_file(settings: Settings) -> None:
    """Raise SettingsError if the usage file cannot be written: later on, lines would be lost."""
    if settings.usage_file is None:
        return
    try:
        os.close(open_to_append(Path(settings.usage_file)))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise SettingsError(
            f"{environment_names('usage_file')[0]}: cannot write {settings.usage_file} ({why})"
        ) from error


def _check_audit_file(settings: Settings) -> None:
    """Raise SettingsError if the audit file cannot be written, or is the usage file, too."""
    if settings.audit_file is None:
        return
    name, path = environment_names("audit_file")[0], Path(settings.audit_file)
    try:
        os.close(open_audit(path))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise SettingsError(f"{name}: cannot write {path} ({why})") from error
    if settings.usage_file is not None and path.samefile(settings.usage_file):
        raise SettingsError(f"{name}: {path} is the usage file: name another one")
