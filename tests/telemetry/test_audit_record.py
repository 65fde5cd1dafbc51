from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from proxy.access.clients import Client, Person
from proxy.telemetry.audit_file import AuditFile
from proxy.telemetry.audit_record import LONGEST_TEXT, Audit, AuditRecords
from proxy.telemetry.facts import Failure
from proxy.telemetry.trail import Asked, Document, Trail
from tests.telemetry.samples import answer_facts, request_facts

NOW = datetime(2026, 11, 26, 7, 30, 5, 120_000, UTC)
RECORDS = AuditRecords({"hr"}, "hr")
TRAIL = Trail(
    scope={"workspace_id": [42]},
    asked=(
        Asked("lighton_search", {"query": "leave"}, has_ended=True, cause=""),
        Asked("lighton_search", {"query": "lease"}, has_ended=True, cause="timeout"),
        Asked("lighton_read", {"file_id": 7, "pages": "3"}, has_ended=False, cause=""),
    ),
    shown=(Document(7, "Lease", ("3", "5-7")), Document(None, "Note", ())),
    cited=(Document(7, "Lease", ("3",)),),
    question="How long?",
    answer="Ten days [1].",
)


def record(records: AuditRecords = RECORDS, **changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = orjson.loads(records.record(request_facts(**changes), NOW))
    return made


def test_a_record_says_who_asked_and_what_the_answer_rested_on() -> None:
    client = Client("acme", "k1", person=Person("ann@example.com"))
    assert record(
        client=client,
        person="ann@example.com",
        answer=answer_facts(retrieval="tool"),
        trail=TRAIL,
    ) == {
        "time": "2026-11-26T07:30:05.120Z",
        "request_id": "id1",
        "key": "acme",
        "key_id": "k1",
        "person": "ann@example.com",
        "address": "127.0.0.1",
        "profile": "hr",
        "model": "hr",
        "answered_by": "llama",
        "retrieval": "tool",
        "outcome": "ok",
        "status": 200,
        "error": "",
        "cut_by": "",
        "scope": {"workspace_id": [42]},
        "queries": [
            {"tool": "lighton_search", "query": "leave", "outcome": "ok"},
            {"tool": "lighton_search", "query": "lease", "outcome": "failed", "cause": "timeout"},
            {"tool": "lighton_read", "file_id": 7, "pages": "3", "outcome": "unfinished"},
        ],
        "shown": [
            {"file_id": 7, "title": "Lease", "pages": ["3", "5-7"]},
            {"file_id": None, "title": "Note", "pages": []},
        ],
        "cited": [{"file_id": 7, "title": "Lease", "pages": ["3"]}],
    }


def test_a_refused_request_has_the_same_fields_and_its_error() -> None:
    refused = record(status=429, failure=Failure("rate_limit_exceeded"))
    assert set(refused) == set(record(answer=answer_facts(), trail=TRAIL))
    assert (refused["outcome"], refused["error"]) == ("error", "rate_limit_exceeded")
    assert (refused["scope"], refused["profile"], refused["person"]) == (None, "", "")


def test_texts_are_there_only_if_they_are_wanted_and_cut_where_they_are_too_long() -> None:
    records = AuditRecords({"hr"}, "hr", has_texts=True)
    wanted = record(records, trail=TRAIL)
    assert (wanted["question"], wanted["answer"]) == ("How long?", "Ten days [1].")
    assert "How long?" not in str(record(trail=TRAIL))
    long = Trail({}, (), (), (), question="x", answer="é" * (LONGEST_TEXT + 1))
    assert record(records, trail=long)["answer"] == "é" * LONGEST_TEXT


@pytest.mark.parametrize("text", ["\x1b[2J\n\r", "half a pair \ud83d", "\u2028", '"}\n{"n":9'])
def test_no_text_of_others_breaks_a_line(text: str) -> None:
    records = AuditRecords({}, "", has_texts=True)
    trail = Trail({}, (), (Document(7, text, ()),), (), question=text, answer=text)
    written = records.record(request_facts(trail=trail, address=text), NOW)
    assert not {*b"\x1b\n\r"} & {*written}
    assert orjson.loads(written)["shown"][0]["title"] == text.replace("\ud83d", "?")


def test_an_audit_notes_a_request_with_the_time_of_now(tmp_path: Path) -> None:
    audit = Audit(AuditFile(tmp_path / "audit.jsonl"), RECORDS, lambda: NOW)
    audit.note(request_facts(request_id="id7"))
    audit.file.close()
    (line,) = map(orjson.loads, audit.file.path.read_bytes().splitlines())
    assert (line["n"], line["time"], line["request_id"]) == (1, "2026-11-26T07:30:05.120Z", "id7")
