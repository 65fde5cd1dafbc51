"""The audit file over the whole application: what it says of each answer, and never says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from proxy import engine
from proxy.access.grants import Grant, Limits
from proxy.app import Proxy
from proxy.telemetry.audit_check import Check
from proxy.telemetry.trail import Trail, trail_of
from tests.support.asgi import ask
from tests.support.keyed import World
from tests.support.script import Round, search_call
from tests.test_usage import KEYS, Upstream, make_app

HEADERS = {"authorization": f"Bearer {KEYS[0]}"}
SEARCHED = {"tool": "lighton_search", "query": "days of leave", "outcome": "ok"}
HANDBOOK = {"file_id": 7, "title": "Handbook", "pages": []}


def content(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


async def lines(app: Proxy, path: Path) -> list[dict[str, Any]]:
    """The lines of the file once `app` has ended, which writes them all. They are one chain."""
    async with app.lifespan_context(app):
        pass
    written = content(path).splitlines(keepends=True)
    check = Check()
    check.read("audit", written)
    assert not check.faults
    return [orjson.loads(each) for each in written]


def document(*, stream: bool = True, **more: Any) -> dict[str, Any]:
    asked = {"role": "user", "content": "secret question"}
    return {"messages": [asked], "stream": stream, **more}


def searching(*last: Any) -> Iterator[Any]:
    yield Round(calls=(search_call("days of leave"),))
    yield from last


async def one(
    path: Path, rounds: Iterator[Any], asked: dict[str, Any] | None = None, **settings: Any
) -> dict[str, Any]:
    upstream = Upstream(rounds)
    app = make_app(path, upstream, usage_file=None, audit_file=str(path), **settings)
    await ask(app, document=asked or document(), headers=HEADERS, hangs_up=upstream.hangs_up)
    (line,) = await lines(app, path)
    return line


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_line_says_who_asked_and_what_the_answer_rested_on(
    path: Path, *, stream: bool
) -> None:
    rounds = searching(Round("secret answer [1]"))
    line = await one(path, rounds, document(stream=stream, model="hr"), workspace_id=[1])
    assert line["queries"] == [SEARCHED]
    assert line["shown"] == line["cited"] == [HANDBOOK]
    assert line["scope"]["workspace_id"] == [1]
    assert (line["profile"], line["model"], line["answered_by"]) == ("hr", "hr", "scripted-model")
    assert (line["outcome"], line["status"], line["error"]) == ("ok", 200, "")
    assert (line["retrieval"], line["person"], line["key_id"]) == ("tool", "", "")
    assert len(line["key"]) == 12
    assert "question" not in line
    assert "answer" not in line


async def test_no_line_holds_a_secret_or_a_text(path: Path) -> None:
    await one(path, searching(Round("secret answer [1]")))
    text = content(path).decode()
    for word in ("secret", KEYS[0], "Leave is 27 days"):
        assert word not in text


async def test_a_setting_adds_question_and_answer(path: Path) -> None:
    rounds = searching(Round("Say \u001b[2J\n27 days [1]."))
    line = await one(path, rounds, audit_texts=True)
    assert line["question"] == "secret question"
    assert line["answer"].endswith("27 days [1].")
    assert b"\x1b" not in content(path)
    assert content(path).count(b"\n") == 1


async def test_what_was_found_but_not_cited_is_shown_and_not_cited(path: Path) -> None:
    line = await one(path, searching(Round("I do not know.")))
    assert (line["shown"], line["cited"]) == ([HANDBOOK], [])


async def test_a_json_answer_cites_too(path: Path) -> None:
    asked = document(stream=False, response_format={"type": "json_object"})
    line = await one(
        path, searching(Round('{"days": "27 [1]"}'), Round('{"days": "27 [1]"}')), asked
    )
    assert line["cited"] == [HANDBOOK]


async def test_a_client_that_hangs_up_has_a_line_with_what_was_shown_by_then(path: Path) -> None:
    line = await one(path, searching("hangs"))
    assert line["outcome"] == "client_gone"
    assert line["queries"] == [SEARCHED]
    assert (line["shown"], line["cited"]) == ([HANDBOOK], [])


async def test_an_answer_that_breaks_off_has_a_line_with_what_it_cited(path: Path) -> None:
    broken = Round("27 days [1]. And so", finish_reason="error")
    line = await one(path, searching(broken), audit_texts=True)
    assert (line["outcome"], line["status"]) == ("error", 200)
    assert line["error"]
    assert line["cited"] == [HANDBOOK]
    assert line["answer"] == "27 days [1]. And so"


async def test_an_answer_without_retrieval_was_shown_nothing(path: Path) -> None:
    asked = document(lighton={"retrieval": "off"})
    line = await one(path, iter([Round("Hello")]), asked)
    assert (line["queries"], line["shown"], line["retrieval"]) == ([], [], "off")


async def test_a_search_that_failed_is_told_with_its_cause(path: Path) -> None:
    world = World({"ann": Grant()}, {"audit_file": str(path)}, fault={"detail": "no"})
    rounds = iter([Round(calls=(search_call("leave"),)), Round("Sorry.")])
    world.say = lambda _body: next(rounds)
    await world.chat("ann", {"messages": [{"role": "user", "content": "Days?"}]})
    (line,) = await lines(world.app, path)
    (query,) = line["queries"]
    assert (query["query"], query["outcome"], query["cause"]) == ("leave", "failed", "status_422")
    assert line["shown"] == []


async def test_a_search_that_was_running_at_the_end_is_told_as_unfinished(path: Path) -> None:
    world = World({"ann": Grant()}, {"audit_file": str(path)}, wait_for=9)
    world.say = lambda _body: Round(calls=(search_call("leave"),))
    asked = {"messages": [{"role": "user", "content": "Days?"}], "stream": True}
    running = asyncio.ensure_future(world.chat("ann", asked))
    while not world.searched:  # noqa: ASYNC110 - the stand-in has no event for it
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])
    (line,) = await lines(world.app, path)
    assert [each["outcome"] for each in line["queries"]] == ["unfinished"]
    assert line["shown"] == []


@pytest.mark.parametrize(
    ("grant", "body", "status", "error"),
    [
        (Grant(frozenset()), {}, 403, "empty_scope"),
        (
            Grant(profiles=frozenset(), models=frozenset()),
            {"model": "llama"},
            404,
            "model_not_found",
        ),
        (Grant(limits=Limits(requests_per_minute=0)), {}, 429, "request_exceeds_limit"),
        (Grant(), {"messages": []}, 400, "invalid_request_error"),
    ],
)
async def test_what_a_key_is_refused_has_a_line(
    path: Path, grant: Grant, body: dict[str, Any], status: int, error: str
) -> None:
    world = World({"ann": grant}, {"audit_file": str(path)})
    await world.chat("ann", {"messages": [{"role": "user", "content": "Days?"}], **body})
    (line,) = await lines(world.app, path)
    assert (line["key"], line["status"], line["outcome"]) == ("ann", status, "error")
    assert line["error"] == error
    assert (line["scope"], line["queries"], line["shown"]) == (None, [], [])


async def test_other_requests_and_those_without_a_right_key_have_no_line(path: Path) -> None:
    world = World({"ann": Grant()}, {"audit_file": str(path)})
    await world.get("ann", "/v1/models")
    await world.get("ann", "/v1/usage")
    await world.chat("nobody", {"messages": []})
    async with world.app.lifespan_context(world.app):
        pass
    assert not content(path)


async def test_without_an_audit_nothing_is_kept_for_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Trail] = []

    def counted(*parts: Any) -> Trail:
        made.append(trail_of(*parts))
        return made[-1]

    monkeypatch.setattr(engine, "trail_of", counted)
    upstream = Upstream(searching(Round("27 days [1]")))
    app = make_app(path, upstream, usage_file=None)
    assert (await ask(app, document=document(), headers=HEADERS)).status == 200
    assert not made
    await one(path, searching(Round("27 days [1]")))
    assert len(made) == 1
