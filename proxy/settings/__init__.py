"""What an operator says: in flags, the environment, `.env` and a TOML file."""

from proxy.settings.loading import load_named_secrets, load_settings, variable_names
from proxy.settings.profiles import Profile
from proxy.settings.schema import Settings

__all__ = ["Profile", "Settings", "load_named_secrets", "load_settings", "variable_names"]
