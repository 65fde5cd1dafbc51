from __future__ import annotations

import pytest

from proxy.telemetry.traces import are_propagated, are_wanted, unspoken

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.test:4318"}
OF_TRACES = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector.test:4318/v1/traces"}


@pytest.mark.parametrize(
    ("given", "variables", "wanted"),
    [
        (None, {}, False),
        (None, ENDPOINT, True),
        (None, OF_TRACES, True),
        (None, {"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, False),
        (None, {**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"}, False),
        (None, {**ENDPOINT, "OTEL_SDK_DISABLED": "TRUE"}, False),
        (True, {}, True),
        (True, {"OTEL_SDK_DISABLED": "true"}, False),
        (False, ENDPOINT, False),
    ],
)
def test_who_names_an_endpoint_wants_traces_unless_something_says_otherwise(
    given: bool | None,  # noqa: FBT001 - a parameter
    variables: dict[str, str],
    wanted: bool,  # noqa: FBT001 - the same
) -> None:
    assert are_wanted(given, variables) is wanted


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, ""),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, ""),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "grpc"),
        (
            {
                "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
                "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
            },
            "",
        ),
    ],
)
def test_another_protocol_than_the_proxys_is_told(variables: dict[str, str], told: str) -> None:
    assert unspoken(variables) == told


@pytest.mark.parametrize(
    ("told", "propagated"),
    [("", True), ("tracecontext,baggage", True), ("b3", False), ("none", False)],
)
def test_traces_are_shared_as_the_variables_say(told: str, propagated: bool) -> None:  # noqa: FBT001 - a parameter
    assert are_propagated({"OTEL_PROPAGATORS": told}) is propagated
