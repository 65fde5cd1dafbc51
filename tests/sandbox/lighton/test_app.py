"""The stand-in over a real socket: by hand, and with the vendor's own client."""

from collections.abc import Iterator
from typing import Any

import httpx
import lighton  # type: ignore[import-untyped]  # it has no py.typed
import pytest

from proxy.sandbox.app import create_sandbox
from proxy.sandbox.documents.corpus import load_corpus
from proxy.sandbox.faults import Faults
from tests.sandbox.samples import sample_folder, write
from tests.support.program import PATIENCE_S
from tests.support.server import serving_in_thread

SEARCH = "/api/v3/search"
AUTHORISED = {"authorization": "Bearer key"}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Faults]]:
    faults = Faults()
    corpus = load_corpus(sample_folder(tmp_path_factory.mktemp("company")))
    with serving_in_thread(create_sandbox(corpus, faults=faults)) as url:
        yield url, faults


@pytest.fixture
def faults(sandbox: tuple[str, Faults]) -> Iterator[Faults]:
    yield sandbox[1]
    sandbox[1].clear()


@pytest.fixture
def http(sandbox: tuple[str, Faults]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sandbox[0], headers=AUTHORISED, timeout=PATIENCE_S) as client:
        yield client


def sdk(url: str, key: str = "key") -> lighton.LightOn:
    config = lighton.LightOnConfiguration(
        base_url=url, max_requests_per_minute=None, rate_limit_retries=0, retries=0
    )
    return lighton.LightOn(key, config=config)


@pytest.fixture
def client(sandbox: tuple[str, Faults]) -> Iterator[lighton.LightOn]:
    with sdk(sandbox[0]) as client:
        yield client


def checked(response: httpx.Response, status: int, error: str) -> dict[str, Any]:
    body: dict[str, Any] = response.json()
    assert (response.status_code, body["code"], body["error"]) == (status, status, error)
    assert set(body) - {"fields"} == {"id", "code", "error", "detail", "doc_url"}
    return body


def test_a_search_answers_with_results_and_no_warnings(http: httpx.Client) -> None:
    response = http.post(SEARCH, json={"query": "When does the lease of the office end?"})
    assert response.status_code == 200
    assert list(response.json()) == ["results"]
    assert response.json()["results"][0]["source"]["filename"] == "notes.txt"


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer bad"}])
def test_a_wrong_key_is_401(sandbox: tuple[str, Faults], headers: dict[str, str]) -> None:
    response = httpx.post(
        sandbox[0] + SEARCH, json={"query": "q"}, headers=headers, timeout=PATIENCE_S
    )
    checked(response, 401, "not_authenticated")


@pytest.mark.parametrize("body", [b"", b"{", b'{"query": "\xff"}', b"[" * 9999])
def test_a_body_that_is_not_json_is_400(http: httpx.Client, body: bytes) -> None:
    checked(http.post(SEARCH, content=body), 400, "parse_error")


def test_wrong_fields_are_422_and_named(http: httpx.Client) -> None:
    body = checked(http.post(SEARCH, json={"max_results": 101}), 422, "validation_error")
    assert set(body["fields"]) == {"query", "max_results"}


def test_a_workspace_that_nobody_knows_is_403(http: httpx.Client) -> None:
    response = http.post(SEARCH, json={"query": "q", "workspace_id": [999]})
    checked(response, 403, "permission_denied")


@pytest.mark.parametrize("path", ["/api/v3/search/", "/api/v3/unknown", "/api/"])
def test_another_path_is_404_in_lightons_words(http: httpx.Client, path: str) -> None:
    checked(http.post(path, json={"query": "q"}), 404, "not_found")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_another_method_is_405(http: httpx.Client, method: str) -> None:
    response = http.request(method, SEARCH)
    checked(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "POST"


def test_an_error_can_be_asked_for(http: httpx.Client, faults: Faults) -> None:
    faults.add("lighton", status=429, headers={"retry-after": "7"}, message="Slow down.")
    response = http.post(SEARCH, json={"query": "lease"})
    assert checked(response, 429, "throttled")["detail"] == "Slow down."
    assert response.headers["retry-after"] == "7"
    assert http.post(SEARCH, json={"query": "lease"}).status_code == 200


def test_warnings_and_missing_workspaces_can_be_asked_for(
    http: httpx.Client, faults: Faults
) -> None:
    warning = {"code": "relevance", "reason": "timeout"}
    faults.add("lighton", warnings=[warning], no_workspace=True)
    reply = http.post(SEARCH, json={"query": "lease"}).json()
    assert reply["warnings"] == [warning]
    assert {each["workspace"] for each in reply["results"]} == {None}


def test_the_vendors_client_searches(client: lighton.LightOn) -> None:
    found = client.search("How many days of holiday?", max_results=1)
    assert found.warnings is None
    (result,) = found.results
    assert result.workspace is not None
    assert result.workspace.name == "hr"
    assert result.source.title == "Staff handbook"


def test_the_vendors_client_searches_with_every_option(client: lighton.LightOn) -> None:
    found = client.search(
        "lease",
        workspaces=[2],
        max_results=5,
        mode=lighton.SearchMode.text,
        relevance_scoring=lighton.RelevanceScoring.none,
        include_image=True,
        include_bboxes=True,
    )
    assert {each.source.filename for each in found.results} == {"lease.pdf", "notes.txt"}
    assert all(each.scores.relevance is None for each in found.results)
    tagged = client.search(
        "agreement", tags=[102], content_type=["legal"], attribute=["filing_date:2023"]
    )
    assert [each.source.filename for each in tagged.results] == ["nda.md"]
    pages = client.search("lease", files=[1002], mode=lighton.SearchMode.vision)
    assert {each.content for each in pages.results} == {None}


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 401}, lighton.exceptions.AuthenticationError),
        ({"status": 403}, lighton.exceptions.PermissionDeniedError),
        ({"status": 404}, lighton.exceptions.NotFoundError),
        ({"status": 500}, lighton.exceptions.ServerError),
        ({"html": True, "status": 502}, lighton.exceptions.ServerError),
        ({"disconnect": True}, lighton.exceptions.LightOnConnectionError),
    ],
)
def test_the_vendors_client_knows_the_errors(
    client: lighton.LightOn,
    faults: Faults,
    fault: dict[str, Any],
    error: type[lighton.exceptions.LightOnError],
) -> None:
    faults.add("lighton", **fault)
    with pytest.raises(error):
        client.search("lease")


def test_the_vendors_client_reads_how_long_to_wait(client: lighton.LightOn, faults: Faults) -> None:
    faults.add("lighton", status=429, headers={"retry-after": "7"})
    with pytest.raises(lighton.exceptions.RateLimitError) as caught:
        client.search("lease")
    assert caught.value.retry_after == 7


def test_the_vendors_client_knows_maintenance(client: lighton.LightOn, faults: Faults) -> None:
    faults.add("lighton", status=503, error="service_maintenance", message="Back at noon.")
    with pytest.raises(lighton.exceptions.MaintenanceError, match="Back at noon") as caught:
        client.search("lease")
    assert caught.value.mode == "full_shutdown"
    assert caught.value.started_at is not None


def test_the_vendors_client_names_wrong_fields(client: lighton.LightOn) -> None:
    with pytest.raises(lighton.exceptions.LightOnAPIError) as caught:
        client.search("lease", workspaces=[1], files=[1001])
    assert caught.value.status_code == 422
    assert caught.value.fields["file_id"][0]["error"] == "invalid"


def test_the_vendors_client_is_told_about_a_wrong_key(sandbox: tuple[str, Faults]) -> None:
    with sdk(sandbox[0], "bad") as client, pytest.raises(lighton.exceptions.AuthenticationError):
        client.search("lease")


def test_the_vendors_client_reads_a_file_and_its_pages(client: lighton.LightOn) -> None:
    file = lighton.File.get(client, 1002)
    assert file.filename == "lease.pdf"
    assert [page.index for page in file.pages()] == [1, 3]
    with pytest.raises(lighton.exceptions.NotFoundError):
        lighton.File.get(client, 9999)


def test_a_file_has_the_errors_of_a_search(http: httpx.Client, faults: Faults) -> None:
    checked(http.get("/api/v3/files/9999"), 404, "not_found")
    checked(http.post("/api/v3/files/1002"), 405, "method_not_allowed")
    wrong = {"authorization": "Bearer bad"}
    checked(http.get("/api/v3/files/1002", headers=wrong), 401, "not_authenticated")
    faults.add("lighton", status=403)
    checked(http.get("/api/v3/files/1002"), 403, "permission_denied")
    assert "pages" not in http.get("/api/v3/files/1002").json()


def test_the_vendors_client_lists_the_workspaces(client: lighton.LightOn) -> None:
    workspaces = lighton.Workspace.list(client)
    assert [(each.id, each.name) for each in workspaces[:2]] == [(1, "hr"), (2, "legal")]
    assert workspaces[0].files_count == 1


def test_the_vendors_client_follows_the_pages_of_a_long_list(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    files = {f"team{number:03}/a.txt": "Text." for number in range(45)}
    corpus = load_corpus(write(tmp_path_factory.mktemp("many"), files))
    with serving_in_thread(create_sandbox(corpus)) as url, sdk(url) as client:
        ids = [each.id for each in lighton.Workspace.list(client)]
    assert ids == list(range(1, 46))


def test_the_vendors_client_lists_the_files_of_a_workspace(client: lighton.LightOn) -> None:
    files = lighton.File.list(client, workspace_id=2)
    assert 1002 in [each.id for each in files]
    assert 1001 not in [each.id for each in files]


def test_the_list_of_workspaces_has_the_errors_of_a_search(
    http: httpx.Client, faults: Faults
) -> None:
    checked(http.post("/api/v3/workspaces"), 405, "method_not_allowed")
    checked(http.get("/api/v3/workspaces?page=9"), 404, "not_found")
    wrong = {"authorization": "Bearer bad"}
    checked(http.get("/api/v3/workspaces", headers=wrong), 401, "not_authenticated")
    faults.add("lighton", status=503)
    checked(http.get("/api/v3/workspaces"), 503, "service_unavailable")
