"""What the proxy can do only with packages that it does not install by itself."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from proxy.errors import SettingsError
from proxy.settings.schema import Settings

EXTRA: Final = "rag-proxy[identity]"
"""Brings the library that checks signatures."""
_LIBRARY: Final = "joserfc"
_CLIENT: Final = "openai"


def has_identity() -> bool:
    return find_spec(_LIBRARY) is not None


def require_openai() -> None:
    """Raise SettingsError if OpenAI's client is not installed."""
    if find_spec(_CLIENT) is None:
        raise SettingsError(
            "OpenAI's client, with which `ask` asks, is missing: pip install 'rag-proxy[ask]'"
        )


def require_extras(settings: Settings) -> None:
    """Raise SettingsError if the settings ask for what is not installed."""
    if settings.issuer_url is not None and not has_identity():
        raise SettingsError(
            f"identity.oidc: the library that checks tokens is missing: pip install '{EXTRA}'"
        )
