"""The composition while settings change: what is made anew, and what goes on."""

from __future__ import annotations

import asyncio
import inspect
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from proxy.app import Proxy, create_app
from proxy.commands.metrics_port import metrics_served
from proxy.commands.serve import run
from proxy.commands.serving import door_limits
from proxy.core.inflight import InFlight
from proxy.errors import EmptyScope
from proxy.settings import Settings
from proxy.settings.reloading import FIXED, Given
from proxy.surfaces.parts import Parts
from proxy.upstreams.http.certificates import client_context
from tests.access.key_samples import OTHER, SECRET, table, write
from tests.settings.others import other
from tests.support.asgi import Answer, ask
from tests.support.script import Round, result
from tests.support.upstreams import Upstreams
from tests.upstreams.raw_server import PATIENCE_S

HI = {"messages": [{"role": "user", "content": "How long is the notice period?"}]}
FOLLOWED = sorted(Settings.model_fields.keys() - FIXED)
ALWAYS = {
    *("Circuits", "InFlight", "Sightings", "Shelf", "WrongKeys", "Gauges"),
    *("make_store", "make_counters", "make_queue", "_weighing"),
}
"""The parts of every application, which those that follow each other share."""
WAY = {"of", "partial"}
REMADE = {
    "ca_file": WAY,
    "client_certificate": WAY,
    "client_key": WAY,
    "connection_max_age_s": WAY,
    "lighton_base_url": WAY,
    "scaleway_base_url": {*WAY, "make_queue"},
    "scaleway_project_id": {*WAY, "make_queue"},
    "identity": {*WAY, "_keys_of"},
    "lighton_api_key": {"partial"},
    "scaleway_api_key": {"make_queue", "partial"},
    "connect_timeout_s": {"partial"},
    "keep_warm_s": {"partial"},
    "breaker_failures": {"Circuits", "partial"},
    "breaker_open_s": {"Circuits", "partial"},
    "keys_file": {"_open_key_file"},
    "usage_file": {"UsageFile"},
    "audit_file": {"AuditFile"},
}
"""The parts that are others once a setting is. A setting that is not here leaves all as they are.

`of` is the way to the upstreams, `partial` keeps connections warm.
"""


def settings(**more: Any) -> Settings:
    keys = {"lighton_api_key": "k", "scaleway_api_key": "k"}
    urls = {"lighton_base_url": "http://lighton.test", "scaleway_base_url": "http://s.test/v1"}
    return Settings(**{**keys, **urls, **more})


def parts_of(parts: Parts) -> dict[int, str]:
    """Each part that is alive, by what makes it."""
    alive = parts._alive
    return {id(part): part.make.__name__ for part in alive}


@pytest.mark.parametrize("name", FOLLOWED)
async def test_only_what_a_setting_makes_is_made_anew(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("proxy.upstreams.http.outbound.client_context", _any_certificate)
    proxy = create_app(Settings())
    async with proxy.lifespan_context(None):
        before = parts_of(proxy.parts)
        to: dict[str, Any] = {name: other(name)}
        changed = Settings(**to)
        proxy.replace(Given(changed))
        after = parts_of(proxy.parts)
        new = {each for part, each in after.items() if part not in before}
        assert new == REMADE.get(name, set())
        assert set(after.values()) >= ALWAYS
        await asyncio.sleep(0)


def _any_certificate(*_: object) -> object:
    return client_context(Settings(), {})


async def answer(proxy: Proxy, **headers: str) -> Answer:
    return await ask(proxy, document=HI, headers=headers)


async def test_counts_go_on_under_the_new_limit() -> None:
    proxy = create_app(
        settings(requests_per_minute=2), Upstreams(lambda _: Round("Hi.")).transport()
    )
    async with proxy.lifespan_context(None):
        assert [(await answer(proxy)).status for _ in range(3)] == [200, 200, 429]
        proxy.replace(Given(settings(requests_per_minute=3)))
        assert [(await answer(proxy)).status for _ in range(2)] == [200, 429]


class Held:
    """Both upstreams. The model answers once the test says so."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = asyncio.Event()

    async def answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"data": []})
        self.asked += 1
        await self.may_answer.wait()
        return httpx.Response(200, json=Round("Hi.").completion())


async def _settled() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def test_answers_that_run_keep_their_slots_under_new_rules_of_the_queue() -> None:
    model = Held()
    quiet = {"keep_warm_s": 0, "retrieval": "off"}
    two = settings(**quiet, max_concurrent_model_requests=2)
    proxy = create_app(two, httpx.MockTransport(model.answer))
    async with proxy.lifespan_context(None):
        answers = [asyncio.create_task(answer(proxy)) for _ in range(3)]
        await _settled()
        proxy.replace(Given(two.model_copy(update={"queue_timeout_s": 8})))
        answers += [asyncio.create_task(answer(proxy)) for _ in range(2)]
        await _settled()
        assert model.asked == 2
        proxy.replace(Given(two.model_copy(update={"max_concurrent_model_requests": 4})))
        await _settled()
        assert model.asked == 4
        model.may_answer.set()
        assert [(await each).status for each in answers] == [200] * 5


async def test_what_answers_hold_in_memory_counts_under_a_new_limit() -> None:
    model = Held()
    quiet = {"keep_warm_s": 0, "retrieval": "off"}
    proxy = create_app(settings(**quiet), httpx.MockTransport(model.answer))
    async with proxy.lifespan_context(None):
        running = asyncio.create_task(answer(proxy))
        await _settled()
        proxy.replace(Given(settings(**quiet, max_inflight_bytes=500)))
        async with asyncio.timeout(PATIENCE_S):
            refused = await answer(proxy)
        assert (refused.status, refused.json()["error"]["code"]) == (503, "overloaded")
        model.may_answer.set()
        assert (await running).status == 200
        assert (await answer(proxy)).status == 200


async def test_settings_that_cannot_hold_change_no_rule_of_the_queue() -> None:
    proxy = create_app(settings(workspace_id=[1]))
    async with proxy.lifespan_context(None):
        wrong = settings(
            workspace_id=[1], profiles={"hr": {"workspace_id": [2]}}, max_inflight_bytes=500
        )
        with pytest.raises(EmptyScope):
            proxy.replace(Given(wrong))
        (inflight,) = (each.value for each in proxy.parts._alive if each.make is InFlight)
        assert inflight.most == settings().max_inflight_bytes


async def test_what_was_found_serves_on() -> None:
    upstreams = Upstreams(lambda _: Round("27 days."), [result("c1", "Leave is 27 days.")])
    same = {"retrieval": "context", "search_memory": False}
    proxy = create_app(settings(**same, default_model="llama"), upstreams.transport())
    async with proxy.lifespan_context(None):
        await answer(proxy)
        proxy.replace(Given(settings(**same, max_rounds=2, default_model="qwen")))
        await answer(proxy)
        assert len(upstreams.searched) == 1
        assert (upstreams.asked[0]["model"], upstreams.asked[-1]["model"]) == ("llama", "qwen")


async def test_other_documents_are_searched_anew() -> None:
    upstreams = Upstreams(lambda _: Round("27 days."), [result("c1", "Leave is 27 days.")])
    same = {"retrieval": "context", "search_memory": False}
    proxy = create_app(settings(**same), upstreams.transport())
    async with proxy.lifespan_context(None):
        await answer(proxy)
        proxy.replace(Given(settings(**same, lighton_api_key="of-somebody-else")))
        await answer(proxy)
        assert len(upstreams.searched) == 2


async def test_keys_and_origins_of_the_settings_follow() -> None:
    proxy = create_app(settings(api_keys=["one"]), Upstreams(lambda _: Round("Hi.")).transport())
    async with proxy.lifespan_context(None):
        assert (await answer(proxy, authorization="Bearer one")).status == 200
        proxy.replace(Given(settings(api_keys=["two"], cors_origins=["https://chat.test"])))
        assert (await answer(proxy, authorization="Bearer one")).status == 401
        headers = {"authorization": "Bearer two", "origin": "https://chat.test"}
        told = await answer(proxy, **headers)
        assert told.status == 200
        assert told.headers["access-control-allow-origin"] == "https://chat.test"


async def test_the_key_file_that_is_named_then_is_read(tmp_path: Path) -> None:
    everything = 'workspaces = "all"'
    one = write(tmp_path / "one.toml", table(more=everything))
    two = write(tmp_path / "two.toml", table(key=OTHER, more=everything))
    upstreams = Upstreams(lambda _: Round("Hi.")).transport()
    proxy = create_app(settings(keys_file=str(one)), upstreams)
    async with proxy.lifespan_context(None):
        assert (await answer(proxy, authorization=f"Bearer {SECRET}")).status == 200
        proxy.replace(Given(settings(keys_file=str(two))))
        assert (await answer(proxy, authorization=f"Bearer {SECRET}")).status == 401
        assert (await answer(proxy, authorization=f"Bearer {OTHER}")).status == 200


async def test_a_certificate_that_is_renewed_under_its_name_makes_another_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.upstreams.http.outbound.client_context", _any_certificate)
    file = tmp_path / "certificate.pem"
    file.write_text("old")
    proxy = create_app(settings(client_certificate=str(file), keep_warm_s=0))
    async with proxy.lifespan_context(None):
        before = parts_of(proxy.parts)
        proxy.replace(Given(settings(client_certificate=str(file), keep_warm_s=0)))
        assert parts_of(proxy.parts) == before
        file.write_text("new")
        proxy.replace(Given(settings(client_certificate=str(file), keep_warm_s=0)))
        new = parts_of(proxy.parts).items() - before.items()
        assert {each for _, each in new} == {"of"}


async def test_the_transport_that_was_given_stays_open_until_the_end() -> None:
    closed: list[str] = []

    class Closing(httpx.MockTransport):
        async def aclose(self) -> None:
            closed.append("closed")

    transport = Closing(lambda _: httpx.Response(200))
    proxy = create_app(settings(keep_warm_s=0), transport)
    async with proxy.lifespan_context(None):
        proxy.replace(Given(settings(keep_warm_s=0, lighton_base_url="http://other.test")))
        await asyncio.sleep(0)
        assert closed == []
    assert closed == ["closed"]


def test_what_the_server_is_made_of_waits_for_the_next_start() -> None:
    """Level and form of the log follow by `take`; what the door drops follows a body's limit."""
    source = "".join(inspect.getsource(each) for each in (run, door_limits, metrics_served))
    read = set(re.findall(r"settings\.(\w+)", source))
    assert read - FIXED == {"log_level", "log_format", "max_body_bytes"}
    assert FIXED - read == {"redis_url", "state_max_bytes"}
