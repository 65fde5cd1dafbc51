"""The usage file over the whole application: its sums are what the upstream has counted."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any, Literal

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.access.clients import Client, Person
from proxy.access.grants import Grant, Limits
from proxy.access.keys import KeyRing
from proxy.app import Proxy, create_app
from proxy.settings import Settings
from proxy.telemetry.usage_sums import Sums
from tests.support.asgi import Answer, ask
from tests.support.keyed import World
from tests.support.program import PATIENCE_S
from tests.support.script import Round, event, result, search_call
from tests.support.server import serving

ASKED = {"messages": [{"role": "user", "content": "Days?"}]}
KEYS = ("first-key-of-the-tests", "second-key-of-the-tests")
PEOPLE = ("", "ann@example.com", "bob@example.com")
Last = Literal["ok", "error_500", "no_end", "bad_reason", "hangs", "refused", "unknown"]


@dataclass
class Upstream:
    """Both vendors. The model counts the tokens that it tells of, and the searches are counted."""

    rounds: Iterator[Round | Last] = field(default_factory=lambda: iter(()))
    hangs_up: asyncio.Event = field(default_factory=asyncio.Event)
    counted: list[dict[str, Any]] = field(default_factory=list)
    searches: int = 0
    gone: int = 0
    """Rounds of which nothing was told."""

    async def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/v3/search":
            self.searches += 1
            return httpx.Response(200, json={"results": [result("c1", "Leave is 27 days.")]})
        if request.url.path.endswith("/models"):
            return httpx.Response(200, json={"data": [{"id": "llama"}]})
        body = orjson.loads(request.content)
        match next(self.rounds):
            case Round() as played:
                return self.told(played, body)
            case "bad_reason":
                return self.told(Round("Half", finish_reason="error", usage=usage(7)), body)
            case "no_end":
                self.gone += 1
                text = event({"choices": [{"index": 0, "delta": {"content": "Half"}}]})
                return httpx.Response(
                    200, headers={"content-type": "text/event-stream"}, content=text
                )
            case "hangs":
                self.gone += 1
                self.hangs_up.set()
                await asyncio.Event().wait()
        self.gone += 1
        return httpx.Response(500, json={"message": "secret-of-the-upstream"})

    def told(self, played: Round, body: dict[str, Any]) -> httpx.Response:
        self.counted.append(dict(played.usage))
        if not body.get("stream"):
            return httpx.Response(200, json=played.completion())
        headers = {"content-type": "text/event-stream"}
        return httpx.Response(200, headers=headers, content=played.stream())


def usage(tokens: int, cached: int | None = None) -> dict[str, Any]:
    details = None if cached is None else {"cached_tokens": min(cached, tokens)}
    return {
        "prompt_tokens": tokens,
        "completion_tokens": 3,
        "total_tokens": tokens + 3,
        "prompt_tokens_details": details,
    }


def make_app(path: Path, upstream: Upstream, **more: Any) -> Proxy:
    given = {
        "lighton_base_url": "http://lighton.test",
        "lighton_api_key": "secret-lighton-key",
        "scaleway_base_url": "http://scaleway.test/v1",
        "scaleway_api_key": "secret-scaleway-key",
        "api_keys": KEYS,
        "usage_file": str(path),
        "keep_warm_s": 0,
        "search_cache_ttl": 0,
        "search_memory": False,
        "prices": {"search": 0.01, "scripted-model": {"input": 1, "output": 2, "cached": 0.5}},
        "profiles": {"hr": {"model": "llama"}},
        "access": ({"user": "*", "workspace_id": "all"},),
    }
    return create_app(
        Settings(**{**given, **more}), httpx.MockTransport(upstream.answer), keys=Fronts()
    )


class Fronts(KeyRing):
    """The keys. Each believes the header `x-person`, if there is one."""

    def __init__(self) -> None:
        super().__init__(KEYS, secret=b"s")

    def identify(self, headers: Mapping[str, str]) -> Client:
        client = super().identify(headers)
        name = headers.get("x-person")
        return replace(client, person=Person(name)) if name else client


@dataclass(frozen=True)
class Case:
    """One request and what the upstream makes of it."""

    last: Last
    hidden: tuple[tuple[int, int | None], ...]
    """For each round that searches, its prompt's tokens and those in the cache."""
    stream: bool
    key: int
    model: str | None
    person: str = ""
    """Who asks through the key; "" if it asks for itself."""


OUTCOMES = {
    "ok": "ok",
    "error_500": "error",
    "no_end": "error",
    "bad_reason": "error",
    "hangs": "client_gone",
    "refused": "error",
    "unknown": "error",
}
counts = st.tuples(st.integers(0, 5000), st.none() | st.integers(0, 6000))
cases = st.builds(
    Case,
    last=st.sampled_from(sorted(OUTCOMES)),
    hidden=st.lists(counts, max_size=3).map(tuple),
    stream=st.booleans(),
    key=st.integers(0, 1),
    model=st.sampled_from([None, "hr", "llama"]),
    person=st.sampled_from(PEOPLE),
)


def rounds_of(case: Case) -> Iterator[Round | Last]:
    for n, (tokens, cached) in enumerate(case.hidden):
        yield Round(calls=(search_call(f"secret question {n}"),), usage=usage(tokens, cached))
    yield Round("secret answer [1]", usage=usage(11)) if case.last == "ok" else case.last


async def play(app: Proxy, upstream: Upstream, case: Case) -> Answer:
    upstream.rounds, upstream.hangs_up = rounds_of(case), asyncio.Event()
    document: dict[str, Any] = {
        "messages": [{"role": "user", "content": "secret question"}],
        "stream": case.stream,
    }
    if case.model is not None:
        document["model"] = case.model
    if case.last == "refused":
        document["messages"] = []
    if case.last == "unknown":
        document["model"] = "HR"
    headers = {"authorization": f"Bearer {KEYS[case.key]}", "x-person": case.person}
    return await ask(app, document=document, headers=headers, hangs_up=upstream.hangs_up)


async def records(app: Proxy, path: Path) -> list[dict[str, Any]]:
    """The lines of the file once `app` has ended, which writes them all."""
    async with app.lifespan_context(app):
        pass
    return read(path)


def read(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def check_people(lines: list[dict[str, Any]], played: list[Case], *, as_given: bool) -> None:
    """The records tell people apart, each by one name behind both keys."""
    names = {(case.person, line["person"]) for case, line in zip(played, lines, strict=True)}
    assert len(names) == len({case.person for case in played}) == len({name for _, name in names})
    for person, name in names:
        assert (name == person) is (as_given or not person)
        assert re.fullmatch("[0-9a-f]{16}", name) or name == person


async def check_own_sums(app: Proxy, lines: list[dict[str, Any]], played: list[Case]) -> None:
    """Each person and key is told the sums of their own lines, and together of all."""
    answers = 0
    for key, person in product(range(2), PEOPLE):
        own = Sums()
        for line, case in zip(lines, played, strict=True):
            if (case.key, case.person) == (key, person):
                own.add(line)
        told = (await sums_of(app, key, person=person)).json()
        assert told["person"] == (person or None)
        assert told["total"] == own.document()
        answers += told["total"]["answers"]
    assert answers == len(lines)


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(played=st.lists(cases, max_size=6), as_given=st.booleans())
def test_the_sums_are_what_the_upstream_has_counted(
    tmp_path: Path, played: list[Case], caplog: pytest.LogCaptureFixture, *, as_given: bool
) -> None:
    path = tmp_path / "usage.jsonl"
    path.unlink(missing_ok=True)
    caplog.clear()
    upstream = Upstream()
    people = "given" if as_given else "hashed"
    app = make_app(path, upstream, people_in_records=people)

    async def run() -> list[dict[str, Any]]:
        for case in played:
            await play(app, upstream, case)
        return await records(app, path) if played else []

    lines = asyncio.run(run())
    assert [each["outcome"] for each in lines] == [OUTCOMES[case.last] for case in played]
    assert [each["stream"] for each in lines] == [
        case.stream and case.last not in {"refused", "unknown"} for case in played
    ]
    total = Sums()
    for each in lines:
        total.add(each)
    told = upstream.counted
    cached = [(each["prompt_tokens_details"] or {}).get("cached_tokens", 0) for each in told]
    counted = total.counts
    assert counted["tokens_in"] == sum(each["prompt_tokens"] for each in told)
    assert counted["tokens_out"] == sum(each["completion_tokens"] for each in told)
    assert counted["tokens"] == sum(each["total_tokens"] for each in told)
    assert counted["tokens_cached"] == sum(cached)
    assert counted["searches"] == upstream.searches
    assert counted["uncounted_rounds"] == upstream.gone
    assert sum(each["rounds"] for each in lines) == len(told) + upstream.gone
    for first, second in ((0, 1), (1, 0)):
        own = {each["key"] for each, case in zip(lines, played, strict=True) if case.key == first}
        others = {
            each["key"] for each, case in zip(lines, played, strict=True) if case.key == second
        }
        assert len(own) <= 1
        assert not own & others
    check_people(lines, played, as_given=as_given)
    asyncio.run(check_own_sums(make_app(path, upstream, people_in_records=people), lines, played))


async def one(path: Path, case: Case, **more: Any) -> dict[str, Any]:
    upstream = Upstream()
    app = make_app(path, upstream, **more)
    await play(app, upstream, case)
    (line,) = await records(app, path)
    return line


async def test_a_line_says_who_asked_whom_for_what(tmp_path: Path) -> None:
    case = Case("ok", ((100, 40),), stream=True, key=0, model="hr")
    line = await one(tmp_path / "usage.jsonl", case)
    assert (line["profile"], line["model"], line["answered_by"]) == ("hr", "hr", "scripted-model")
    assert (line["retrieval"], line["rounds"], line["searches"]) == ("tool", 2, 1)
    assert (line["cited"], line["cited_files"]) == (1, [7])
    assert 0 <= line["ms_first"] <= line["ms"]
    assert line["cost"] == round(line["cost_tokens"] + line["cost_searches"], 9)
    assert line["cost_tokens"] == round((71 + 40 * 0.5 + 6 * 2) / 1e6, 9)
    assert re.fullmatch(r"[0-9a-f]{12}", line["key"])


async def test_an_answer_that_breaks_off_has_cited_what_was_heard(tmp_path: Path) -> None:
    upstream = Upstream()
    path = tmp_path / "usage.jsonl"
    app = make_app(path, upstream)
    case = Case("bad_reason", ((10, 0),), stream=True, key=0, model=None)

    def rounds() -> Iterator[Round]:
        yield Round(calls=(search_call("leave"),), usage=usage(10))
        yield Round("27 days [1]. And so", finish_reason="error", usage=usage(7))

    upstream.rounds = rounds()
    document = {"messages": [{"role": "user", "content": "Days?"}], "stream": case.stream}
    await ask(app, document=document, headers={"authorization": f"Bearer {KEYS[0]}"})
    (line,) = await records(app, path)
    assert (line["outcome"], line["status"], line["cited_files"]) == ("error", 200, [7])
    assert (line["tokens_in"], line["uncounted_rounds"]) == (17, 0)


@pytest.mark.parametrize(
    ("grant", "body", "status", "error"),
    [
        (Grant(frozenset()), {}, 403, "empty_scope"),
        (
            Grant(profiles=frozenset({"hr"}), models=frozenset()),
            {"model": "llama"},
            404,
            "model_not_found",
        ),
        (Grant(limits=Limits(tokens_per_minute=1)), {}, 429, "request_exceeds_limit"),
        (Grant(limits=Limits(requests_per_minute=0)), {}, 429, "request_exceeds_limit"),
        (Grant(limits=Limits(daily_tokens=0)), {"stream": True}, 429, "insufficient_quota"),
    ],
)
async def test_what_a_key_is_refused_has_a_line(
    tmp_path: Path, grant: Grant, body: dict[str, Any], status: int, error: str
) -> None:
    path = tmp_path / "usage.jsonl"
    world = World({"ann": grant}, {"usage_file": str(path)})
    assert (await world.chat("ann", {**ASKED, **body})).status == status
    assert (await world.get("ann", "/v1/usage")).status in {200, 429}
    await world.get("ann", "/v1/models")
    (line,) = await records(world.app, path)
    assert (line["key"], line["key_id"]) == ("ann", "id-ann")
    assert (line["outcome"], line["status"], line["error"]) == ("error", status, error)
    assert (line["tokens"], line["searches"], line["cost"]) == (0, 0, 0)


async def test_the_sources_of_a_json_answer_are_named(tmp_path: Path) -> None:
    upstream = Upstream()
    app = make_app(tmp_path / "usage.jsonl", upstream, retrieval="context")
    upstream.rounds = iter([Round('{"days": "27 [1]"}')])
    document = {
        "messages": [{"role": "user", "content": "Days?"}],
        "response_format": {"type": "json_object"},
        "model": "llama",
    }
    await ask(app, document=document, headers={"authorization": f"Bearer {KEYS[0]}"})
    (line,) = await records(app, tmp_path / "usage.jsonl")
    assert (line["retrieval"], line["cited_files"]) == ("context", [7])


async def test_no_secret_and_no_word_of_anybody_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "usage.jsonl"
    for last in OUTCOMES:
        await one(path, Case(last, ((1, 1),), stream=True, key=1, model="hr"))  # type: ignore[arg-type]  # mypy sees a str
        text = path.read_text()
        assert not re.findall(
            "secret|question|answer |27 days|Leave|Half|handbook", text, re.IGNORECASE
        )
        assert not any(key in text for key in KEYS)
        path.unlink()


@pytest.mark.parametrize(
    ("path", "method", "key"),
    [
        ("/v1/chat/completions", "POST", "wrong"),
        ("/v1/chat/completions", "GET", KEYS[0]),
        ("/v1/models", "GET", KEYS[0]),
        ("/health", "GET", ""),
        ("/v1/usage", "GET", KEYS[0]),
        ("/nothing", "POST", KEYS[0]),
    ],
)
async def test_only_who_may_ask_and_wants_an_answer_gets_a_line(
    tmp_path: Path, path: str, method: str, key: str
) -> None:
    """Nobody without a key can fill the disk."""
    file = tmp_path / "usage.jsonl"
    app = make_app(file, Upstream())
    await ask(app, path, {}, method=method, headers={"authorization": f"Bearer {key}"})
    async with app.lifespan_context(app):
        pass
    assert not file.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full disk at hand")
async def test_a_full_disk_loses_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    upstream = Upstream()
    app = make_app(Path("/dev/full"), upstream)
    for _ in range(3):
        answer = await play(app, upstream, Case("ok", (), stream=True, key=0, model=None))
        assert answer.status == 200
        assert answer.body.endswith(b"data: [DONE]\n\n")
    async with app.lifespan_context(app):
        pass
    errors = [each for each in caplog.records if each.levelname == "ERROR"]
    assert len(errors) == 1


async def sums_of(app: Proxy, key: int, query: str = "", person: str = "") -> Answer:
    headers = {"authorization": f"Bearer {KEYS[key]}", "x-person": person}
    return await ask(app, f"/v1/usage{query}", method="GET", headers=headers, content=b"")


async def test_a_key_gets_its_own_sums_whichever_worker_it_asks(tmp_path: Path) -> None:
    path = tmp_path / "usage.jsonl"
    upstreams = [Upstream(), Upstream()]
    workers = [make_app(path, each) for each in upstreams]
    for n in range(6):
        case = Case("ok", ((100, 0),), stream=bool(n % 2), key=n % 3 // 2, model=None)
        await play(workers[n % 2], upstreams[n % 2], case)
        for each in workers:  # all lines are in the file before it is read
            await asyncio.to_thread(_usage_of(each).file.settle)
        told = [[(await sums_of(each, key)).json() for each in workers] for key in (0, 1)]
        assert all(one == other for one, other in told)
        assert sum(one["total"]["answers"] for one, _ in told) == n + 1
    (first, _), (second, _) = told
    assert (first["total"]["answers"], second["total"]["answers"]) == (4, 2)
    assert first["total"]["tokens_in"] == 4 * 111
    assert second["total"]["searches"] == 2
    assert [each["model"] for each in first["models"]] == ["scripted-model"]


def _usage_of(app: Proxy) -> Any:
    (route,) = [each for each in app.current.routes if getattr(each, "path", "") == "/usage"]
    found: Any = route
    return found.endpoint.surface.usage


async def test_sums_are_right_while_another_process_writes(tmp_path: Path) -> None:
    """Each time it is asked, the proxy tells a sum that was true, and at the end the whole one."""
    path = tmp_path / "usage.jsonl"
    upstream = Upstream()
    app = make_app(path, upstream)
    await play(app, upstream, Case("ok", (), stream=False, key=0, model=None))
    await asyncio.to_thread(_usage_of(app).file.settle)
    code = """
import sys
from pathlib import Path
from proxy.telemetry.usage_file import UsageFile
from tests.support.program import PATIENCE_S
line = Path(sys.argv[1]).read_bytes().splitlines()[0] + b"\\n"
file = UsageFile(Path(sys.argv[1]))
for _ in range(500):
    file.append(line)
file.close()
"""
    writer = await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(path))
    seen = [1]
    while writer.returncode is None or len(seen) < 3:
        await play(app, upstream, Case("ok", (), stream=False, key=0, model=None))
        seen.append((await sums_of(app, 0)).json()["total"]["answers"])
        await asyncio.sleep(0)
    assert seen == sorted(seen)
    assert (await sums_of(app, 0)).json()["total"]["answers"] == 500 + len(seen)
    assert len(path.read_bytes().splitlines()) == 500 + len(seen)


def is_there(path: Path) -> bool:
    return path.exists()


async def test_without_a_usage_file_nothing_is_counted_and_nothing_told(tmp_path: Path) -> None:
    upstream = Upstream()
    app = make_app(tmp_path / "none", upstream, usage_file=None)
    await play(app, upstream, Case("ok", (), stream=False, key=0, model=None))
    answer = await sums_of(app, 0)
    assert (answer.status, answer.json()["error"]["code"]) == (404, "not_found")
    assert "RAG_PROXY_USAGE_FILE" in answer.json()["error"]["message"]
    assert not is_there(tmp_path / "none")


async def test_lines_that_wait_are_written_when_the_proxy_stops(tmp_path: Path) -> None:
    path = tmp_path / "usage.jsonl"
    upstream = Upstream(rounds=iter([Round("Hi.")] * 20))
    async with (
        serving(make_app(path, upstream)) as url,
        httpx.AsyncClient(timeout=PATIENCE_S) as client,
    ):
        document = {"messages": [{"role": "user", "content": "Hi"}]}
        headers = {"authorization": f"Bearer {KEYS[0]}"}
        for _ in range(20):
            reply = await client.post(f"{url}/v1/chat/completions", json=document, headers=headers)
            assert reply.status_code == 200
    assert len(path.read_bytes().splitlines()) == 20


def test_what_a_line_costs_the_event_loop_is_counted(tmp_path: Path) -> None:
    """Some dozens of calls, of the thousands that an answer takes; off, none."""

    async def calls(path: Path | None) -> int:
        upstream = Upstream()
        app = make_app(tmp_path, upstream, usage_file=None if path is None else str(path))
        case = Case("ok", ((100, 0),), stream=True, key=0, model=None)
        await play(app, upstream, case)
        count = 0

        def note(_frame: Any, event: str, _argument: Any) -> None:
            nonlocal count
            count += event in ("call", "c_call")

        sys.setprofile(note)
        try:
            await play(app, upstream, case)
        finally:
            sys.setprofile(None)
        async with app.lifespan_context(app):
            pass
        return count

    off = asyncio.run(calls(None))
    on = asyncio.run(calls(tmp_path / "usage.jsonl"))
    assert on - off < 60
    assert on < 1.05 * off
