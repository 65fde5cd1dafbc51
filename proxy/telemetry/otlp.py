"""Traces by way of OpenTelemetry's SDK. This file alone knows it: it is in an extra.

Theory of operation:

A request gets its ids when it comes, because upstreams must hear of its spans before these end.
When it is over, all its spans are made at once and queued. A thread of the SDK's sends them. The
queue is bounded, so a collector that is down costs spans, and nothing else. Nothing here uses the
SDK's context, which follows tasks: what arrives from an upstream may run in another request's.

The SDK reads its own variables: where to send, how often, what to sample.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from typing import Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Decision, Sampler
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from proxy.core.timeline import Timeline
from proxy.core.trace import Parent, Trace, read_parent
from proxy.telemetry.facts import RequestFacts
from proxy.telemetry.spans import Servers, Span, Telling
from proxy.telemetry.traces import are_propagated

CLOSE_S: Final = 3.0
"""How long the last spans may take at the end of the process."""
_SERVICE: Final = "rag-proxy"
_KINDS: Final = {
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "internal": SpanKind.INTERNAL,
}
_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
_OK: Final = Status(StatusCode.UNSET)
_FAILED: Final = Status(StatusCode.ERROR)
_NOISY: Final = (
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.sdk._shared_internal",
)
"""They log each batch that is lost."""

_log = logging.getLogger("proxy.traces")


class _Fault(logging.Filter):
    """Keeps what the SDK says of its latest fault, and lets nothing of it into the log."""

    said = ""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.ERROR:
            self.said = record.getMessage()
        return False


def _quiet() -> _Fault:
    """What keeps the faults of the SDK. All exporters of the process share it."""
    loggers = list(map(logging.getLogger, _NOISY))
    known = (each for logger in loggers for each in logger.filters if isinstance(each, _Fault))
    fault = next(known, None) or _Fault()
    for logger in loggers:
        logger.addFilter(fault)
    return fault


class TellingExporter(SpanExporter):
    """Sends spans by another exporter. It logs when that begins to fail, and when it ends to."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._fault = _quiet()
        self._fails = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        fails = result is not SpanExportResult.SUCCESS
        if fails and not self._fails:
            _log.warning(
                "Traces are lost: %s. Answers go on without them. Another line follows once they "
                "arrive again.",
                self._fault.said.rstrip(".") or "the collector did not take them",
            )
        elif self._fails and not fails:
            _log.info("Traces arrive again.")
        self._fails = fails
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


class OtlpTraces:
    """Sends the traces of this process over OTLP: see `Traces`."""

    def __init__(self, servers: Servers, exporter: SpanExporter, *, holds_texts: bool) -> None:
        given = TracerProvider(resource=_resource(), shutdown_on_exit=False)
        self._sampler: Sampler = given.sampler
        self._resource = given.resource
        self._scope = InstrumentationScope(_SERVICE, version(_SERVICE))
        self._processor = BatchSpanProcessor(TellingExporter(exporter))
        self._servers = servers
        self._holds_texts = holds_texts
        self._propagates = are_propagated(os.environ)

    def begin(self, headers: Mapping[str, str]) -> Trace:
        parent = read_parent(headers) if self._propagates else None
        trace_id = _random(16) if parent is None else parent.trace_id
        result = self._sampler.should_sample(
            None if parent is None else _context(parent), trace_id, "request", SpanKind.SERVER
        )
        return Trace(
            trace_id,
            mint(),
            mint,
            parent,
            is_sampled=result.decision is Decision.RECORD_AND_SAMPLE,
            is_told=self._propagates,
            holds_texts=self._holds_texts,
        )

    def end(self, facts: RequestFacts, timeline: Timeline, ended: float) -> None:
        trace = timeline.trace
        if trace is None or not trace.is_sampled:
            return
        state = TraceState.from_header([trace.state])
        for span in Telling(facts, timeline, trace, ended, self._servers).spans():
            self._processor.on_end(self._readable(span, trace, state))

    def _readable(self, span: Span, trace: Trace, state: TraceState) -> ReadableSpan:
        is_remote = trace.parent is not None and span.id == trace.span_id
        context = SpanContext(trace.trace_id, span.id, False, _SAMPLED, state)  # noqa: FBT003 - not remote
        above = None
        if span.parent_id:
            above = SpanContext(trace.trace_id, span.parent_id, is_remote, _SAMPLED, state)
        return ReadableSpan(
            span.name,
            context,
            above,
            self._resource,
            span.attributes,
            kind=_KINDS[span.kind],
            status=_FAILED if span.error else _OK,
            start_time=span.began_ns,
            end_time=span.ended_ns,
            instrumentation_scope=self._scope,
        )

    async def aclose(self) -> None:
        """Send what is left, but not for ever: a thread that still waits ends with the process."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def close() -> None:
            self._processor.shutdown()  # type: ignore[no-untyped-call]  # the SDK says nothing
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=close, daemon=True).start()
        try:
            async with asyncio.timeout(CLOSE_S):
                await done.wait()
        except TimeoutError:
            _log.warning("The last traces are lost: the collector did not take them in time.")


def open_traces(servers: Servers, *, holds_texts: bool) -> OtlpTraces:
    return OtlpTraces(servers, OTLPSpanExporter(), holds_texts=holds_texts)


def mint() -> int:
    """The id of a span."""
    return _random(8)


def _random(size: int) -> int:
    return int.from_bytes(os.urandom(size)) or 1


def _resource() -> Resource:
    """What the variables say of this service. Without a name in them, it gets its own."""
    told = Resource.create({})
    name = told.attributes.get(SERVICE_NAME)
    if isinstance(name, str) and name.startswith("unknown_service"):
        return told.merge(Resource({SERVICE_NAME: _SERVICE}))
    return told


def _context(parent: Parent) -> Context:
    flags = TraceFlags(parent.flags)
    remote = SpanContext(parent.trace_id, parent.span_id, True, flags)  # noqa: FBT003 - is remote
    return set_span_in_context(NonRecordingSpan(remote))
