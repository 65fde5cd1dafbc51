"""What must hold before the proxy serves, beyond each setting being valid by itself."""

from __future__ import annotations

from proxy.access.loopback import is_loopback_host
from proxy.errors import EmptyScope
from proxy.settings import Settings, SettingsError

LIGHTON_CONSOLE = "https://console.lighton.ai"
SCALEWAY_CONSOLE = "https://console.scaleway.com/iam/api-keys"


def require_upstream_keys(settings: Settings) -> None:
    """Raise SettingsError when a key for LightOn or Scaleway is missing."""
    problems = []
    if settings.lighton_api_key is None:
        problems.append(
            f"LIGHTON_API_KEY is not set: create an API key at {LIGHTON_CONSOLE} "
            "(CONSOLE_API_KEY is read, too)"
        )
    if settings.scaleway_api_key is None:
        problems.append(
            f"SCALEWAY_API_KEY is not set: create an API key at {SCALEWAY_CONSOLE} and use its "
            "secret key (SCW_SECRET_KEY is read, too)"
        )
    if problems:
        raise SettingsError(*problems, "to try it without keys: rag-proxy demo")


def check_profiles(settings: Settings) -> None:
    """Raise SettingsError for profiles that no request could use."""
    problems = []
    for name, profile in settings.profiles.items():
        try:
            settings.scope().narrow(profile.scope())
        except EmptyScope as error:
            field = str(error.param).rpartition(".")[2]
            problems.append(f"profiles.{name}.{field}: nothing of it is in the settings' {field}")
    default = settings.profiles.get(settings.default_model)
    if default is not None and default.model is None:
        problems.append(
            f"profiles.{settings.default_model}.model: must be set, as default_model names this "
            "profile"
        )
    if problems:
        raise SettingsError(*problems)


def check_exposure(settings: Settings) -> None:
    """Raise SettingsError when the proxy would answer other machines without asking for a key."""
    if settings.api_keys or is_loopback_host(settings.host):
        return
    raise SettingsError(
        f"refusing to listen on {settings.host} without client keys: anyone who reaches the port "
        "could read the company's documents; set RAG_PROXY_API_KEYS, or use --host 127.0.0.1"
    )
