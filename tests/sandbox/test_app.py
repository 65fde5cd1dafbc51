from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from proxy.sandbox.app import create_sandbox
from proxy.sandbox.documents.corpus import load_corpus
from proxy.sandbox.faults import Faults
from tests.sandbox.samples import sample_folder
from tests.support.program import PATIENCE_S
from tests.support.server import serving_in_thread


@pytest.fixture
def http(tmp_path: Path) -> Iterator[httpx.Client]:
    app = create_sandbox(load_corpus(sample_folder(tmp_path)), keys=frozenset({"key"}))
    with (
        serving_in_thread(app) as url,
        httpx.Client(
            base_url=url, headers={"authorization": "Bearer key"}, timeout=PATIENCE_S
        ) as client,
    ):
        yield client


def test_both_protocols_are_served_on_one_port(http: httpx.Client) -> None:
    found = http.post("/api/v3/search", json={"query": "lease"}).json()
    models = http.get("/v1/models").json()
    of_project = http.get("/11111111-1111-1111-1111-111111111111/v1/models").json()
    assert found["results"]
    assert models["data"]
    assert of_project == models


def test_the_keys_hold_for_both(http: httpx.Client) -> None:
    wrong = {"authorization": "Bearer other"}
    assert http.post("/api/v3/search", json={"query": "q"}, headers=wrong).status_code == 401
    assert http.get("/v1/models", headers=wrong).status_code == 403


@pytest.mark.parametrize("path", ["/unknown", "/sandbox/unknown", "/health/"])
def test_unknown_paths_are_404_in_the_gateways_words_without_redirects(
    http: httpx.Client, path: str
) -> None:
    response = http.get(path)
    assert response.status_code == 404
    assert response.json()["status"] == 404


def test_a_wrong_method_is_405(http: httpx.Client) -> None:
    response = http.delete("/health")
    assert response.status_code == 405
    assert "GET" in response.headers["allow"]


def test_a_stream_pauses_before_each_chunk_when_asked_to(tmp_path: Path) -> None:
    faults = Faults()
    app = create_sandbox(load_corpus(sample_folder(tmp_path)), faults=faults, chunk_delay_s=3600)
    body = {
        "model": "llama-3.3-70b-instruct",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
    }
    key = {"authorization": "Bearer key"}
    with (
        serving_in_thread(app) as url,
        httpx.stream(
            "POST", f"{url}/v1/chat/completions", json=body, headers=key, timeout=PATIENCE_S
        ) as reply,
    ):
        assert reply.status_code == 200
        reply.close()
        assert faults.requests.wait_for(lambda log: [each.outcome for each in log] == ["hung_up"])
