"""Which variables of an environment the proxy knows."""

from collections.abc import Iterable

from proxy.settings import Settings
from proxy.settings.secret_files import is_secret
from proxy.settings.sources import CONFIG_VARIABLE, environment_names, file_names


def unknown(variables: Iterable[str]) -> set[str]:
    """Those that are no setting, and no file of a secret setting."""
    known = {CONFIG_VARIABLE}
    for name, info in Settings.model_fields.items():
        known |= {*environment_names(name), *(file_names(name) if is_secret(info) else ())}
    return set(variables) - known
