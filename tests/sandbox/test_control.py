from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from proxy.sandbox.app import create_sandbox
from proxy.sandbox.documents.corpus import load_corpus
from tests.sandbox.samples import sample_folder, write
from tests.support.program import PATIENCE_S
from tests.support.server import serving_in_thread

SEARCH = {"query": "lease"}


@pytest.fixture
def http(tmp_path: Path) -> Iterator[httpx.Client]:
    corpus = load_corpus(write(sample_folder(tmp_path / "company"), {"broken.txt": b"\x00\xff"}))
    headers = {"authorization": "Bearer key"}
    with (
        serving_in_thread(create_sandbox(corpus)) as url,
        httpx.Client(base_url=url, headers=headers, timeout=PATIENCE_S) as client,
    ):
        yield client


def search(http: httpx.Client) -> int:
    return http.post("/api/v3/search", json=SEARCH).status_code


def test_the_front_page_says_what_is_here(http: httpx.Client) -> None:
    page = http.get("/").json()
    assert page["name"] == "rag-proxy sandbox"
    assert page["authorization"] == "any bearer key that does not start with `bad`"
    assert page["documents"] == {
        "files": 5,
        "chunks": 7,
        "skipped": ["broken.txt: not UTF-8 or Windows-1252 text"],
    }
    assert page["workspaces"][0] == {"id": 1, "name": "hr"}
    assert page["tags"][0] == {"id": 101, "name": "leave"}


def test_every_route_that_the_front_page_lists_exists(http: httpx.Client) -> None:
    for route in http.get("/").json()["routes"]:
        method, path = route.split()
        assert http.request(method, path).status_code not in (404, 405), route


def test_the_front_page_says_when_only_some_keys_are_accepted(tmp_path: Path) -> None:
    corpus = load_corpus(write(tmp_path, {"a.md": "a"}))
    with serving_in_thread(create_sandbox(corpus, keys=frozenset({"only"}))) as url:
        assert "started with" in httpx.get(url, timeout=PATIENCE_S).json()["authorization"]


def test_health_needs_no_key(http: httpx.Client) -> None:
    assert httpx.get(http.base_url.join("/health"), timeout=PATIENCE_S).json() == {"status": "ok"}


def test_faults_are_armed_listed_and_cleared(http: httpx.Client) -> None:
    faults = [{"upstream": "lighton", "status": 503}, {"upstream": "lighton", "status": 500}]
    armed = http.post("/sandbox/faults", json=faults).json()
    assert [(each["status"], each["times"]) for each in armed] == [(503, 1), (500, 1)]
    assert search(http) == 503
    assert [each["status"] for each in http.get("/sandbox/faults").json()] == [500]
    assert http.delete("/sandbox/faults").json() == []
    assert search(http) == 200


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b'[{"upstream": "lighton", "colour": 1}]', [0, "colour"]),
        (b'[{"upstream": "other"}]', [0, "upstream"]),
        (b'{"upstream": "lighton"}', []),
        (b"not JSON", []),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_and_named(
    http: httpx.Client, body: bytes, where: list[str | int]
) -> None:
    response = http.post("/sandbox/faults", content=body)
    assert response.status_code == 400
    assert response.json()["errors"][0]["loc"] == where
    assert http.get("/sandbox/faults").json() == []


def test_the_requests_that_came_in_are_listed_and_cleared(http: httpx.Client) -> None:
    search(http)
    (received,) = http.get("/sandbox/requests").json()
    assert (received["path"], received["body"]) == ("/api/v3/search", SEARCH)
    assert http.delete("/sandbox/requests").json() == []
    assert http.get("/sandbox/requests").json() == []
