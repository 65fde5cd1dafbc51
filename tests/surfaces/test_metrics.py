"""Who may read the metrics, and in which form they come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from proxy.access.clients import Person
from proxy.access.grants import EVERYTHING, Grant
from proxy.app import Proxy, create_app
from proxy.settings import Settings
from proxy.surfaces.metrics import metrics_app
from proxy.telemetry.board import Board
from proxy.telemetry.boards import Boards
from proxy.telemetry.series import OPEN_STREAMS, RETRIES
from tests.support.asgi import Answer, ask
from tests.support.keyed import GivenKeys
from tests.support.script import Round
from tests.support.upstreams import Upstreams

READER = Grant(may_read_metrics=True)
FORM = "text/plain; version=0.0.4; charset=utf-8"
KEYS = {"lighton_api_key": "k", "scaleway_api_key": "k"}


def proxy(grants: Mapping[str, Grant] | None = None, **more: Any) -> Proxy:
    people = {"ann": ("tenant", Person("ann"))}
    keys = None if grants is None else GivenKeys(grants, people)
    transport = Upstreams(lambda _: Round("Hi.")).transport()
    return create_app(Settings(**{**KEYS, **more}), transport, keys=keys)


async def read(app: Proxy, path: str = "/metrics", **headers: str) -> Answer:
    return await ask(app, path, method="GET", headers=headers)


@pytest.mark.parametrize("path", ["/metrics", "/metrics/", "/v1/metrics"])
async def test_without_keys_this_machine_reads_them(path: str) -> None:
    answer = await read(proxy(), path)
    assert (answer.status, answer.headers["content-type"]) == (200, FORM)
    assert answer.headers["cache-control"] == "no-store"
    assert b"# TYPE rag_proxy_requests counter" in answer.body.replace(b"_total", b"")


async def test_without_keys_no_other_machine_reads_them() -> None:
    answer = await read(proxy(), host="rag.example.com")
    assert (answer.status, answer.json()["error"]["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    ("key", "status"), [("reader", 200), ("tenant", 403), ("everything", 403), ("ann", 403)]
)
async def test_only_a_key_that_was_made_for_it_reads_them(key: str, status: int) -> None:
    grants = {"reader": READER, "tenant": Grant(), "everything": EVERYTHING}
    answer = await read(proxy(grants), authorization=f"Bearer {key}")
    assert answer.status == status
    if status == 403 and key != "ann":
        assert "rag-proxy keys add NAME --metrics" in answer.json()["error"]["message"]
    assert (b"rag_proxy_requests_total" in answer.body) == (status == 200)


@pytest.mark.parametrize("header", [{}, {"authorization": "Bearer wrong"}])
async def test_without_a_right_key_nobody_reads_them(header: dict[str, str]) -> None:
    app = proxy(api_keys=["a-key-of-the-settings-42"])
    assert (await read(app, **header)).status == 401
    answer = await read(app, authorization="Bearer a-key-of-the-settings-42")
    assert answer.status == 403


async def test_openmetrics_comes_to_those_who_ask_for_it() -> None:
    answer = await read(proxy(), accept="application/openmetrics-text; version=1.0.0")
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.body.endswith(b"# EOF\n")


async def test_no_page_may_read_them() -> None:
    app = proxy({"reader": READER}, cors_origins=["https://chat.test"])
    headers = {"authorization": "Bearer reader", "origin": "https://chat.test"}
    assert "access-control-allow-origin" not in (await read(app, **headers)).headers
    told = (await read(app, "/health", **headers)).headers
    assert told["access-control-allow-origin"] == "https://chat.test"


async def test_where_nothing_is_counted_there_is_no_such_route() -> None:
    answer = await read(proxy(metrics=False))
    assert answer.status == 404
    assert "/metrics" not in answer.json()["error"]["message"].partition("There are:")[2]
    assert "GET /metrics" in (await read(proxy(), "/elsewhere")).json()["error"]["message"]


async def test_they_cannot_be_written() -> None:
    answer = await ask(proxy(), "/metrics", {})
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


def boards() -> Boards:
    board = Board.alone()
    board.add(RETRIES, ("LightOn", "dns"), 3)
    board.show({(OPEN_STREAMS, ()): 2})
    return Boards(board)


@pytest.mark.parametrize(
    ("is_loopback", "host", "status"),
    [(True, "127.0.0.1:9464", 200), (True, "evil.test", 403), (False, "pod-7.internal", 200)],
)
async def test_a_port_of_its_own_needs_no_key(*, is_loopback: bool, host: str, status: int) -> None:
    app = metrics_app(boards(), is_loopback=is_loopback)
    answer = await ask(app, "/metrics", method="GET", headers={"host": host})
    assert answer.status == status
    assert (b"rag_proxy_open_streams 2.0" in answer.body) == (status == 200)


@pytest.mark.parametrize("headers", [{"host": "evil.test"}, {"x-forwarded-for": "10.0.0.1"}])
async def test_a_port_of_its_own_says_how_others_may_read(headers: dict[str, str]) -> None:
    app = metrics_app(boards(), is_loopback=True)
    answer = await ask(app, "/metrics", method="GET", headers=headers)
    message = answer.json()["error"]["message"]
    assert "metrics_host" in message
    assert "RAG_PROXY_API_KEYS" not in message  # keys do not open this port


@pytest.mark.parametrize("path", ["/", "/v1/models", "/health"])
async def test_a_port_of_its_own_has_nothing_else(path: str) -> None:
    answer = await ask(metrics_app(boards(), is_loopback=True), path, method="GET")
    assert (answer.status, answer.body) == (404, b"Not Found")
