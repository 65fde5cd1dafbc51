"""Who traces requests, whatever sends the traces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from proxy.core.timeline import Timeline
from proxy.core.trace import Trace
from proxy.telemetry.facts import RequestFacts
from proxy.telemetry.otel_variables import ENDPOINTS

_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
SPOKEN: Final = "http/protobuf"


class Traces(Protocol):
    def begin(self, headers: Mapping[str, str]) -> Trace:
        """That of a request with these headers."""

    def end(self, facts: RequestFacts, timeline: Timeline, ended: float) -> None:
        """The request was over at `ended`, by the clock of its timeline. It never waits."""


def are_wanted(given: bool | None, environment: Mapping[str, str]) -> bool:  # noqa: FBT001 - a setting
    """Whether to trace. Without a setting, whoever names an endpoint wants traces."""
    if _variable(environment, "OTEL_SDK_DISABLED") == "true":
        return False
    if given is not None:
        return given
    has_exporter = _variable(environment, "OTEL_TRACES_EXPORTER") != "none"
    return has_exporter and any(_variable(environment, name) for name in ENDPOINTS)


def unspoken(environment: Mapping[str, str]) -> str:
    """The protocol that the variables ask for, if the proxy does not speak it; else ""."""
    told = next(filter(None, (_variable(environment, name) for name in _PROTOCOLS)), SPOKEN)
    return "" if told == SPOKEN else told


def are_propagated(environment: Mapping[str, str]) -> bool:
    """Whether clients and upstreams share their traces with the proxy, in W3C's headers."""
    told = _variable(environment, "OTEL_PROPAGATORS") or "tracecontext"
    return "tracecontext" in map(str.strip, told.split(","))


def _variable(environment: Mapping[str, str], name: str) -> str:
    return environment.get(name, "").strip().lower()
