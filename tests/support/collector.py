"""A collector of traces on a real socket: it reads what exporters send over OTLP."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status


class Told(NamedTuple):
    """A span as it arrived. Ids are in hex."""

    name: str
    kind: str
    trace_id: str
    id: str
    parent_id: str
    state: str
    began_ns: int
    ended_ns: int
    attributes: Mapping[str, Any]
    is_error: bool


@dataclass
class Collector:
    """Takes spans, or answers with `status` instead."""

    status: int = 200
    port: int = 0
    bodies: list[bytes] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    asked: threading.Event = field(default_factory=threading.Event)
    """Set by each request."""
    lets_go: threading.Event = field(default_factory=threading.Event)
    """No request is answered before."""

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def requests(self) -> list[ExportTraceServiceRequest]:
        return [ExportTraceServiceRequest.FromString(body) for body in self.bodies]

    @property
    def resource(self) -> Mapping[str, Any]:
        """Whose spans the first ones are."""
        return _attributes(self.requests[0].resource_spans[0].resource.attributes)

    @property
    def spans(self) -> list[Told]:
        return [
            _told(span)
            for request in self.requests
            for of_resource in request.resource_spans
            for of_scope in of_resource.scope_spans
            for span in of_scope.spans
        ]

    def tree(self) -> list[Any]:
        """The spans by name, each with those below it, in the order in which they arrived."""
        return tree_of(self.spans)


def tree_of(spans: list[Told]) -> list[Any]:
    known = {span.id for span in spans}

    def below(parent_id: str) -> list[Any]:
        own = [each for each in spans if each.parent_id == parent_id]
        return [[each.name, *below(each.id)] for each in own]

    tops = dict.fromkeys(each.parent_id for each in spans if each.parent_id not in known)
    return [branch for top in tops for branch in below(top)]


@contextmanager
def collecting(status: int = 200, *, is_held: bool = False) -> Iterator[Collector]:
    """A collector that runs. If it `is_held`, it answers nothing until it `lets_go`."""
    collector = Collector(status)
    if not is_held:
        collector.lets_go.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.asked.set()
            collector.lets_go.wait(120)
            collector.bodies.append(body)
            collector.paths.append(self.path)
            collector.headers.append(dict(self.headers))
            self.send_response(collector.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collector.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        collector.lets_go.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _told(span: Span) -> Told:
    return Told(
        span.name,
        Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.trace_state,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        _attributes(span.attributes),
        span.status.code == Status.StatusCode.STATUS_CODE_ERROR,
    )


def _attributes(given: Any) -> dict[str, Any]:
    return {each.key: _value(each.value) for each in given}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    return getattr(value, str(kind))
