"""What an operator says: in flags, the environment, `.env` and a TOML file."""

from proxy.settings.profiles import Profile
from proxy.settings.schema import Settings, load_settings, variable_names

__all__ = ["Profile", "Settings", "load_settings", "variable_names"]
