"""What a reply says of its searches and sources is as the document says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.schemas.asked import QUESTION, proxy_on_stand_ins
from tests.schemas.described import document, faults
from tests.support.asgi import ask


@pytest.fixture
async def report(tmp_path: Path) -> dict[str, Any]:
    body = {"messages": [{"role": "user", "content": QUESTION}]}
    answer = await ask(proxy_on_stand_ins(tmp_path), document=body)
    told: dict[str, Any] = answer.json()["lighton"]
    return told


def fields(name: str) -> dict[str, Any]:
    found: dict[str, Any] = document()["components"]["schemas"][name]["properties"]
    return found


async def test_each_field_that_is_told_is_described(report: dict[str, Any]) -> None:
    assert not faults("Report", report)
    assert set(report) <= set(fields("Report"))
    (search, *_) = report["searches"]
    assert set(search) <= set(fields("Search"))
    assert set(search["results"][0]) <= set(fields("Search")["results"]["items"]["properties"])
    (citation, *_) = report["citations"]
    assert set(citation) <= set(fields("Citation"))
    passage = fields("Citation")["passages"]["items"]["properties"]
    assert set(citation["passages"][0]) <= set(passage)


async def test_a_warning_is_described_as_it_is_told(report: dict[str, Any]) -> None:
    (search, *_) = report["searches"]
    search["warnings"] = [{"code": "results_dropped", "reason": "1 results were out of scope"}]
    assert not faults("Report", report)
    search["warnings"] = ["results_dropped"]
    assert faults("Report", report)


async def test_what_is_broken_is_not_as_told(report: dict[str, Any]) -> None:
    assert faults("Report", {**report, "citations": [{}]})
    assert faults("Report", {**report, "searches": [{"query": 1}]})
    assert faults("Report", {**report, "timings": {"queue_ms": "1"}})
