"""What the proxy can do only with packages that it does not install by itself."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from types import MappingProxyType
from typing import Final

from proxy.errors import SettingsError
from proxy.settings.schema import Settings
from proxy.telemetry.otel_variables import faults_of
from proxy.telemetry.traces import SPOKEN, are_wanted, unspoken

REQUIRED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "ask": ("openai>=3.0",),
        "identity": ("joserfc>=1.4",),
        "traces": ("opentelemetry-exporter-otlp-proto-http>=1.45", "opentelemetry-sdk>=1.45"),
    }
)
"""What each extra brings. Messages name it, and not the extra: no index need have rag-proxy."""
_TRACER: Final = "opentelemetry.exporter.otlp.proto.http"
_LIBRARY: Final = "joserfc"
_CLIENT: Final = "openai"


def has_identity() -> bool:
    return find_spec(_LIBRARY) is not None


def require_traces(settings: Settings, environment: Mapping[str, str]) -> None:
    """Raise SettingsError if traces are wanted, and nothing here can send them as they are."""
    if not are_wanted(settings.traces, environment):
        return
    if not _has(_TRACER):
        raise SettingsError(
            "OTEL_EXPORTER_OTLP_ENDPOINT or `traces` asks for traces, but what sends them is "
            f"missing: {how_to_install('traces')}, or set `traces = false`"
        )
    if protocol := unspoken(environment):
        raise SettingsError(
            f"OTEL_EXPORTER_OTLP_PROTOCOL: the proxy sends traces by {SPOKEN}, not by {protocol}: "
            f"name an endpoint for {SPOKEN}, which often has the port 4318, or set `traces = false`"
        )
    if faults := faults_of(environment):
        raise SettingsError(*faults)


def _has(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of a package that it would be in
        return False


def require_openai() -> None:
    """Raise SettingsError if OpenAI's client is not installed."""
    if find_spec(_CLIENT) is None:
        raise SettingsError(
            f"OpenAI's client, with which `ask` asks, is missing: {how_to_install('ask')}"
        )


def require_extras(settings: Settings) -> None:
    """Raise SettingsError if the settings ask for what is not installed."""
    if settings.issuer_url is not None and not has_identity():
        raise SettingsError(
            "identity.oidc: the library that checks tokens is missing: "
            f"{how_to_install('identity')}"
        )


def how_to_install(extra: str) -> str:
    """The command that installs it where the proxy runs, which may be no environment of a shell."""
    return shlex.join((sys.executable, "-m", "pip", "install", *REQUIRED[extra]))
