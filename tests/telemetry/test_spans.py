from __future__ import annotations

import itertools
from typing import Any

import pytest

from proxy.access.clients import Client, Person
from proxy.core.hidden import Failed, Found
from proxy.core.search_tool import Search
from proxy.core.timeline import Retry, Timeline
from proxy.core.trace import Parent, Trace
from proxy.core.turn import Turn
from proxy.errors import RateLimited
from proxy.telemetry.facts import Failure
from proxy.telemetry.spans import Server, Servers, Span, Telling
from tests.telemetry.samples import answer_facts, request_facts

SERVERS = Servers(
    Server("scaleway", "api.scaleway.test", 443), {"LightOn": Server("lighton", "lighton.test", 80)}
)
ROOT = 1
JOB = Search("leave", 5).job


def timeline(parent: Parent | None = None) -> Timeline:
    """One that began a second after the epoch, when its clock said 100 s."""
    ids = itertools.count(ROOT + 1)
    return Timeline(100.0, 10**9, trace=Trace(7, ROOT, lambda: next(ids), parent))


def spans_of(of: Timeline, **facts: Any) -> list[Span]:
    given = {"answer": answer_facts(timeline=of), **facts}
    assert of.trace is not None
    return Telling(request_facts(**given), of, of.trace, 110.0, SERVERS).spans()


def one(name: str, spans: list[Span]) -> Span:
    (found,) = [each for each in spans if each.name == name]
    return found


def test_a_request_has_the_span_of_a_server() -> None:
    parent = Parent(7, 9, 1, "")
    (root,) = spans_of(timeline(parent))
    assert (root.name, root.kind, root.id, root.parent_id) == (
        "POST /v1/chat/completions",
        "server",
        ROOT,
        9,
    )
    assert (root.began_ns, root.ended_ns) == (10**9, 11 * 10**9)
    assert root.attributes["http.route"] == "/v1/chat/completions"
    assert root.attributes["http.response.status_code"] == 200
    assert root.attributes["rag_proxy.request_id"] == "id1"
    assert root.attributes["rag_proxy.model"] == "hr"
    assert root.attributes["gen_ai.operation.name"] == "invoke_agent"
    assert "rag_proxy.cut_by" not in root.attributes


def test_no_span_tells_of_the_person_behind_a_key() -> None:
    client = Client("acme", person=Person("ada@example.com", frozenset({"payroll"})))
    noted = timeline()
    noted.round(101.0, "llama", ())
    noted.run(102.0, JOB, "LightOn")
    spans = spans_of(noted, client=client, person="7f3a")
    assert spans[0].attributes["rag_proxy.key"] == "acme"
    assert not any(told in repr(spans) for told in ("ada@", "payroll", "7f3a"))


def test_a_request_that_was_refused_early_has_a_span_of_its_own() -> None:
    (root,) = spans_of(timeline(), answer=None, status=400, failure=Failure("bad_request"))
    assert root.error == ""
    assert root.attributes["rag_proxy.error"] == "bad_request"


@pytest.mark.parametrize(
    ("status", "failure", "error"),
    [
        (200, None, ""),
        (404, Failure("model_not_found"), ""),
        (502, Failure("bad_reply", upstream="Scaleway", cause="status_500"), "status_500"),
        (500, Failure("internal_error"), "internal_error"),
        (503, None, "503"),
        (200, Failure("upstream_timeout", cause="silent", in_stream=True), "silent"),
    ],
)
def test_only_what_the_proxy_or_an_upstream_failed_at_is_an_error(
    status: int, failure: Failure | None, error: str
) -> None:
    root, *_ = spans_of(timeline(), status=status, failure=failure)
    assert root.error == error
    assert root.attributes.get("error.type", "") == error


def test_a_round_has_the_names_of_the_conventions() -> None:
    of = timeline()
    noted = of.round(101.0, "llama", (), {"temperature": 0.5, "response_format": {"type": "text"}})
    noted.first_at, noted.answered_by = 101.25, "llama-3.3"
    usage = {"prompt_tokens": 10, "completion_tokens": 0, "prompt_tokens_details": None}
    noted.end(103.0, Turn("text", "stop", usage=usage))  # type: ignore[arg-type]
    _, span = spans_of(of)
    assert (span.name, span.kind, span.id, span.parent_id) == (
        "chat llama",
        "client",
        noted.span_id,
        ROOT,
    )
    assert (span.began_ns, span.ended_ns) == (2 * 10**9, 4 * 10**9)
    assert span.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "scaleway",
        "server.address": "api.scaleway.test",
        "server.port": 443,
        "gen_ai.request.model": "llama",
        "gen_ai.response.model": "llama-3.3",
        "gen_ai.request.stream": True,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.output.type": "text",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.time_to_first_chunk": 0.25,
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 0,
    }


@pytest.mark.parametrize(
    ("route", "name"), [("/embeddings", "embeddings m"), ("/rerank", "rerank m")]
)
def test_a_request_that_is_passed_on_is_named_by_what_it_does(route: str, name: str) -> None:
    of = timeline()
    of.round(101.0, "m").ended = 102.0
    spans = spans_of(of, route=route)
    assert "gen_ai.operation.name" not in spans[0].attributes
    assert [each.name for each in spans] == [f"POST /v1{route}", name]


def test_a_failed_round_says_why() -> None:
    of = timeline()
    of.round(101.0, "m").fail(102.0, RateLimited("Scaleway", "no", cause="status_429"))
    _, span = spans_of(of)
    assert (span.error, span.attributes["error.type"]) == ("status_429", "status_429")


def test_what_has_not_ended_ends_with_the_request() -> None:
    of = timeline()
    of.round(101.0, "m")
    _, span = spans_of(of)
    assert span.ended_ns == 11 * 10**9
    assert span.attributes["rag_proxy.is_unfinished"] is True
    assert span.error == ""


def test_a_search_is_the_work_of_a_tool_and_what_it_asks_an_upstream() -> None:
    of = timeline()
    run = of.run(101.0, JOB, "LightOn")
    run.call_id = "call_1"
    run.end(102.0, Found())
    spans = spans_of(of)
    tool, search = one("execute_tool lighton_search", spans), one("retrieval", spans)
    assert (tool.kind, tool.parent_id) == ("internal", ROOT)
    assert (search.kind, search.parent_id, search.id) == ("client", tool.id, of.jobs[0].span_id)
    assert search.attributes["gen_ai.provider.name"] == "lighton"
    assert search.attributes["server.address"] == "lighton.test"
    assert tool.attributes["gen_ai.tool.name"] == "lighton_search"
    assert tool.attributes["gen_ai.tool.call.id"] == "call_1"
    assert tool.attributes["rag_proxy.results"] == 0


def test_a_shared_search_asks_nobody() -> None:
    of = timeline()
    of.run(101.0, JOB, "LightOn").end(102.0, Found(is_shared=True))
    _, tool = spans_of(of)
    assert tool.name == "execute_tool lighton_search"
    assert "gen_ai.tool.call.id" not in tool.attributes  # nor did the model call for it


def test_a_client_that_searches_without_a_model_uses_no_tool() -> None:
    of = timeline()
    of.run(101.0, JOB, "LightOn").end(102.0, Failed(RateLimited("LightOn", "no", cause="x")))
    root, search = spans_of(of, answer=answer_facts(has_model=False, timeline=of))
    assert (search.name, search.parent_id, search.error) == ("retrieval", root.id, "x")


def test_an_upstream_that_nobody_knows_has_no_address() -> None:
    of = timeline()
    of.run(101.0, JOB, "Archive").end(102.0, Found())
    search = one("retrieval", spans_of(of))
    assert "server.address" not in search.attributes


def test_waits_and_retries_lie_within_the_round_that_they_hold_up() -> None:
    of = timeline()
    of.wait(100.0, is_first=True).ended = 100.5
    first, second = of.round(101.0, "m"), of.round(105.0, "m")
    of.wait(101.0, is_first=True).ended = 101.5
    of.wait(106.0, is_first=False).ended = 106.25
    run = of.run(106.0, JOB, "LightOn")
    of.retries += [
        Retry(102.0, "Scaleway", "status_503", 0.5),
        Retry(107.0, "LightOn", "status_503", 20, run),
    ]
    spans = spans_of(of)
    queued = [each for each in spans if each.name == "queue"]
    retried = [each for each in spans if each.name == "retry"]
    assert [each.parent_id for each in queued] == [ROOT, first.span_id, second.span_id]
    assert [each.parent_id for each in retried] == [first.span_id, run.span_id]
    assert retried[0].ended_ns - retried[0].began_ns == 5 * 10**8
    assert retried[1].ended_ns == 11 * 10**9
    assert retried[0].attributes["rag_proxy.cause"] == "status_503"


def test_words_of_clients_are_bounded() -> None:
    of = timeline()
    of.round(101.0, "m" * 10_000).ended = 102.0
    for span in spans_of(of, answer=answer_facts(model="m" * 10_000, timeline=of)):
        assert all(len(value) <= 220 for value in span.attributes.values() if type(value) is str)
        assert len(span.name) <= 220
