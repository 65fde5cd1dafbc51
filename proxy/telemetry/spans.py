"""An answer as spans: what happened in which part of it, from its facts and its timeline.

The names are those of OpenTelemetry's semantic conventions for HTTP and for generative AI
(https://github.com/open-telemetry/semantic-conventions-genai, as of November 2026: in development).
What they have no name for begins with `rag_proxy.`. Texts are in `span_texts` alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, Literal, NamedTuple

from proxy.core.timeline import JobRun, ModelRound, Retry, Stage, Timeline
from proxy.core.trace import Trace
from proxy.core.turn import cached_tokens
from proxy.core.wire import Usage
from proxy.telemetry.facts import RequestFacts
from proxy.telemetry.span_parameters import Value, of_parameters
from proxy.telemetry.span_texts import texts_of_job, texts_of_request, texts_of_round

Attributes = Mapping[str, Value]
Kind = Literal["server", "client", "internal"]

LONGEST_WORD: Final = 200
"""The most characters of a word that a client or an upstream has chosen."""
AGENT: Final = "rag-proxy"
"""What answers is an agent, by the conventions: a model in a loop with tools."""
_OPERATIONS: Final = {"/embeddings": "embeddings", "/rerank": "rerank"}
"""What a round does, by route; elsewhere it chats."""


class Server(NamedTuple):
    """An upstream, as spans name it."""

    provider: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Servers:
    model: Server
    others: Mapping[str, Server] = field(default_factory=dict)
    """By the names that users know them by."""


@dataclass(frozen=True, slots=True)
class Span:
    """Times are in nanoseconds since 1970."""

    name: str
    kind: Kind
    id: int
    parent_id: int
    began_ns: int
    ended_ns: int
    attributes: Attributes
    error: str = ""
    """Why it failed, in a word; "" if it did not."""


@dataclass(frozen=True, slots=True)
class Telling:
    """Tells of one request. `ended` is when it was over."""

    facts: RequestFacts
    timeline: Timeline
    trace: Trace
    ended: float
    servers: Servers

    def spans(self) -> list[Span]:
        """That of the request first. What has not ended ends with it."""
        timeline = self.timeline
        return [
            self._request(),
            *map(self._round, timeline.rounds),
            *(span for n, run in enumerate(timeline.jobs) for span in self._job(n, run)),
            *(
                self._part("queue", wait.began, wait.ended, self._within(wait.began), {})
                for wait in timeline.waits
            ),
            *map(self._retry, timeline.retries),
        ]

    def _request(self) -> Span:
        facts, trace = self.facts, self.trace
        route = f"/v1{facts.route}"
        parent_id = 0 if trace.parent is None else trace.parent.span_id
        attributes = {
            "http.request.method": facts.method,
            "http.route": route,
            "url.path": facts.path[:LONGEST_WORD],
            "http.response.status_code": facts.status,
            "rag_proxy.request_id": facts.request_id,
            "rag_proxy.key": facts.client.name,
            "rag_proxy.outcome": facts.outcome,
            **_of_answer(facts),
            **texts_of_request(facts.trail, holds_texts=trace.holds_texts),
        }
        return self._span(
            f"{facts.method} {route}",
            "server",
            trace.span_id,
            parent_id,
            Stage(self.timeline.began, ended=self.ended),
            attributes,
            _failure_of(facts),
        )

    def _round(self, noted: ModelRound) -> Span:
        operation = _OPERATIONS.get(self.facts.route, "chat")
        answer = self.facts.answer
        attributes: dict[str, Value] = {
            "gen_ai.operation.name": operation,
            **_of_server(self.servers.model),
            "gen_ai.request.model": noted.model[:LONGEST_WORD],
            "gen_ai.response.model": noted.answered_by[:LONGEST_WORD],
            **of_parameters(noted.parameters or {}),
            **_of_usage(noted.usage),
            **texts_of_round(noted),
        }
        if answer is not None and answer.stream:
            attributes["gen_ai.request.stream"] = True
        if noted.finish_reason:
            attributes["gen_ai.response.finish_reasons"] = [noted.finish_reason[:LONGEST_WORD]]
        if noted.first_at is not None:
            first_s = round(noted.first_at - noted.began, 3)
            attributes["gen_ai.response.time_to_first_chunk"] = first_s
        name = f"{operation} {noted.model[:LONGEST_WORD]}"
        root = self.trace.span_id
        return self._span(name, "client", noted.span_id, root, noted, attributes, noted.cause)

    def _job(self, n: int, run: JobRun) -> Iterable[Span]:
        """The tool's work, unless a client searches without a model; and what was asked for it."""
        trail = self.facts.trail
        asked = None if trail is None or len(trail.asked) <= n else trail.asked[n].what
        tool, found = texts_of_job(run, asked)
        parent = self.trace.span_id
        if self.facts.answer is None or self.facts.answer.has_model:
            attributes: dict[str, Value] = {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": run.job.tool,
                "gen_ai.tool.call.id": run.call_id[:LONGEST_WORD],
                "gen_ai.tool.type": "datastore",
                "rag_proxy.results": run.results,
                "rag_proxy.is_shared": run.is_shared,
                **tool,
            }
            parent, above = self.trace.mint(), parent
            name = f"execute_tool {run.job.tool}"
            yield self._span(name, "internal", parent, above, run, attributes, run.cause)
        if not run.is_shared:
            attributes = {
                "gen_ai.operation.name": "retrieval",
                **_of_server(self.servers.others.get(run.upstream)),
                "rag_proxy.results": run.results,
                **found,
            }
            yield self._span("retrieval", "client", run.span_id, parent, run, attributes, run.cause)

    def _retry(self, retry: Retry) -> Span:
        """The wait before a request was sent again, and why it was."""
        parent = self._within(retry.at) if retry.stage is None else retry.stage.span_id
        attributes: Attributes = {
            "rag_proxy.upstream": retry.upstream,
            "rag_proxy.cause": retry.cause,
        }
        return self._part("retry", retry.at, retry.at + retry.wait_s, parent, attributes)

    def _within(self, at: float) -> int:
        """The span of the round that went on then. Rounds follow each other."""
        begun = [each.span_id for each in self.timeline.rounds if each.began <= at]
        return begun[-1] if begun else self.trace.span_id

    def _part(
        self, name: str, began: float, ended: float | None, parent: int, attributes: Attributes
    ) -> Span:
        stage = Stage(began, ended=ended)
        return self._span(name, "internal", self.trace.mint(), parent, stage, attributes, "")

    def _span(  # noqa: PLR0913, PLR0917 - all that a span has
        self,
        name: str,
        kind: Kind,
        id_: int,
        parent_id: int,
        stage: Stage,
        attributes: Attributes,
        error: str,
    ) -> Span:
        ended = self.ended if stage.ended is None else min(stage.ended, self.ended)
        told = {key: value for key, value in attributes.items() if value != ""}
        if error:
            told["error.type"] = error
        if stage.ended is None:
            told["rag_proxy.is_unfinished"] = True
        began_ns, ended_ns = map(self.timeline.wall_ns_at, (stage.began, ended))
        return Span(name, kind, id_, parent_id, began_ns, max(began_ns, ended_ns), told, error)


def _failure_of(facts: RequestFacts) -> str:
    """Why the proxy or an upstream failed. For HTTP, a client's own error is no server's error."""
    failure = facts.failure
    if failure is not None and failure.in_stream:
        return failure.cause or failure.error
    if facts.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return ""
    told = None if failure is None else failure.cause or failure.error
    return told or str(facts.status)


def _of_answer(facts: RequestFacts) -> Attributes:
    answer, failure = facts.answer, facts.failure
    told: dict[str, Value] = {}
    if failure is not None:
        told |= {"rag_proxy.error": failure.error, "rag_proxy.upstream": failure.upstream}
    if answer is not None and answer.has_model and facts.route not in _OPERATIONS:
        told |= {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": AGENT}
    if answer is not None:
        told |= {
            "rag_proxy.model": answer.model[:LONGEST_WORD],
            "rag_proxy.retrieval": answer.retrieval,
            "rag_proxy.rounds": answer.rounds,
            "rag_proxy.searches": answer.searches,
            "rag_proxy.cited": len(answer.cited),
            "rag_proxy.cut_by": answer.cut_by,
            "rag_proxy.fallback_from": answer.fallback_from,
        }
    if (first_s := facts.first_token_s) is not None:
        told["rag_proxy.first_token_ms"] = round(first_s * 1000)
    return told


def _of_server(server: Server | None) -> Attributes:
    if server is None:
        return {}
    return {
        "gen_ai.provider.name": server.provider,
        "server.address": server.address,
        "server.port": server.port,
    }


def _of_usage(usage: Usage) -> Attributes:
    """What the upstream has counted. What it did not count is not told."""
    told: dict[str, Value] = {}
    if (prompt := usage.get("prompt_tokens")) is not None:
        told["gen_ai.usage.input_tokens"] = prompt
    if (completion := usage.get("completion_tokens")) is not None:
        told["gen_ai.usage.output_tokens"] = completion
    if cached := cached_tokens(usage):
        told["gen_ai.usage.cache_read.input_tokens"] = cached
    return told
