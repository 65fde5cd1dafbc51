from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from proxy.core.timeline import Timeline
from proxy.telemetry.otlp import OtlpTraces, TellingExporter, mint, open_traces
from proxy.telemetry.spans import Server, Servers
from tests.support.collector import collecting
from tests.telemetry.samples import request_facts
from tests.upstreams.raw_server import PATIENCE_S

SERVERS = Servers(Server("scaleway", "scaleway.test", 443))
SENT, LOST = SpanExportResult.SUCCESS, SpanExportResult.FAILURE


class Exporter(SpanExporter):
    """Answers with each of `results`, and with the last one from then on."""

    def __init__(self, *results: SpanExportResult) -> None:
        self._results = list(results)
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans += spans
        return self._results.pop(0) if len(self._results) > 1 else self._results[0]


@pytest.fixture
def traces() -> tuple[OtlpTraces, Exporter]:
    exporter = Exporter(SENT)
    return OtlpTraces(SERVERS, exporter, holds_texts=True), exporter


async def test_a_request_that_is_over_is_sent_at_the_end_at_the_latest(
    traces: tuple[OtlpTraces, Exporter],
) -> None:
    sender, exporter = traces
    timeline = Timeline(1.0, 10**9, trace=sender.begin({}))
    sender.end(request_facts(), timeline, 2.0)
    sender.end(request_facts(), Timeline(), 2.0)  # nobody has begun a trace of it
    await sender.aclose()
    (span,) = exporter.spans
    assert (span.start_time, span.end_time) == (10**9, 2 * 10**9)
    assert span.parent is None
    assert span.context.span_id == timeline.trace.span_id  # type: ignore[union-attr]


async def test_ids_are_new_for_each_request(traces: tuple[OtlpTraces, Exporter]) -> None:
    sender, _ = traces
    begun = [sender.begin({}) for _ in range(100)]
    assert len({each.trace_id for each in begun}) == 100
    assert len({each.span_id for each in begun} | {mint() for _ in range(100)}) == 200
    assert all(each.is_sampled and each.holds_texts for each in begun)
    await sender.aclose()


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({}, "rag-proxy"),
        ({"OTEL_SERVICE_NAME": "answers"}, "answers"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=hr"}, "hr"),
    ],
)
async def test_the_service_has_the_name_that_the_variables_give_it(
    variables: dict[str, str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"):
        monkeypatch.delenv(each, raising=False)
    for each, value in variables.items():
        monkeypatch.setenv(each, value)
    exporter = Exporter(SENT)
    sender = OtlpTraces(SERVERS, exporter, holds_texts=False)
    sender.end(request_facts(), Timeline(trace=sender.begin({})), 2.0)
    await sender.aclose()
    assert exporter.spans[0].resource.attributes["service.name"] == name


def test_a_fault_of_the_collector_is_told_once_until_it_is_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    exporter = TellingExporter(Exporter(LOST, LOST, SENT, LOST))
    for _ in range(4):
        exporter.export(())
    words = [record.getMessage().split(":")[0] for record in caplog.records]
    assert words == ["Traces are lost", "Traces arrive again.", "Traces are lost"]


async def test_spans_go_where_the_variables_say_with_their_headers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with collecting() as collector:
        endpoint = f"{collector.endpoint}/api/public/otel"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20a2V5")
        sender = open_traces(SERVERS, holds_texts=False)
        sender.end(request_facts(), Timeline(trace=sender.begin({})), 2.0)
        await sender.aclose()
    assert collector.paths == ["/api/public/otel/v1/traces"]
    sent = {name.lower(): value for name, value in collector.headers[0].items()}
    assert sent["authorization"] == "Basic a2V5"


async def test_the_end_of_the_process_does_not_wait_for_ever(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("proxy.telemetry.otlp.CLOSE_S", 0.01)
    with collecting(is_held=True) as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
        sender = open_traces(SERVERS, holds_texts=False)
        sender.end(request_facts(), Timeline(trace=sender.begin({})), 2.0)
        async with asyncio.timeout(PATIENCE_S):
            await sender.aclose()
    assert "The last traces are lost" in caplog.text
