"""Search the OpenAI way, with the official client over real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types import FileObject, VectorStore, VectorStoreSearchResponse

from tests.e2e.conftest import RunningSandbox

QUESTION = "How many days of paid leave do employees have?"


@pytest.fixture
def client(proxy_url: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{proxy_url}/v1", api_key="any", max_retries=0) as opened:
        yield opened


def checked(kind: Any, given: Any) -> Any:
    """An object of the client's, if it has all that its type demands and of the right kinds."""
    kind.model_validate(given.to_dict(), strict=True)
    return given


def test_workspaces_are_listed_as_vector_stores(client: OpenAI) -> None:
    stores = {each.id: checked(VectorStore, each) for each in client.vector_stores.list()}
    assert {id_: each.name for id_, each in stores.items()} == {"ws_1": "hr", "ws_2": "it"}
    assert stores["ws_1"].file_counts.total == 1
    assert client.vector_stores.retrieve("ws_2") == stores["ws_2"]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_the_client_goes_through_the_list_page_by_page(client: OpenAI, order: Any) -> None:
    ids = [each.id for each in client.vector_stores.list(limit=1, order=order)]
    assert ids == (["ws_1", "ws_2"] if order == "asc" else ["ws_2", "ws_1"])


def test_a_search_brings_passages_of_that_store_alone(client: OpenAI) -> None:
    found = client.vector_stores.search("ws_1", query=QUESTION).data
    first = checked(VectorStoreSearchResponse, found[0])
    assert "27 days" in first.content[0].text
    assert 0 < first.score <= 1
    assert first.attributes
    others = client.vector_stores.search("ws_2", query=QUESTION).data
    assert {each.file_id for each in found}.isdisjoint(each.file_id for each in others)


def test_filters_and_ranking_reach_the_search(client: OpenAI, sandbox: RunningSandbox) -> None:
    client.vector_stores.search(
        "ws_1",
        query="leave",
        max_num_results=3,
        filters={"type": "in", "key": "year", "value": [2025, 2026]},
        ranking_options={"ranker": "none", "score_threshold": 0},
        rewrite_query=True,
    )
    body = sandbox.faults.requests.all("lighton", "/search")[0].body
    assert (body["query"], body["workspace_id"], body["max_results"]) == ("leave", [1], 3)
    assert (body["attribute"], body["relevance_scoring"]) == (["year:2025|2026"], "none")


def test_several_queries_are_merged(client: OpenAI) -> None:
    queries = [QUESTION, "parental leave"]
    found = client.vector_stores.search("ws_1", query=queries).data
    scores = [each.score for each in found]
    assert scores == sorted(scores, reverse=True)
    assert len({each.content[0].text for each in found}) == len(found) > 1


def test_filters_that_nothing_passes_bring_nothing(client: OpenAI) -> None:
    none: Any = {"type": "eq", "key": "nowhere", "value": "x"}
    assert client.vector_stores.search("ws_1", query="leave", filters=none).data == []


def test_filters_that_cannot_be_said_are_400_and_named(client: OpenAI) -> None:
    none: Any = {"type": "ne", "key": "year", "value": 2026}
    with pytest.raises(openai.BadRequestError) as caught:
        client.vector_stores.search("ws_1", query="leave", filters=none)
    assert caught.value.param == "filters.type"


def test_the_file_of_a_result_can_be_had_and_its_text(client: OpenAI) -> None:
    found = client.vector_stores.search("ws_1", query=QUESTION).data[0]
    file = checked(FileObject, client.files.retrieve(found.file_id))
    assert (file.id, file.filename, file.status) == (found.file_id, found.filename, "processed")
    text = client.files.content(found.file_id).text
    assert found.content[0].text.splitlines()[-1] in text


@pytest.mark.parametrize("store_id", ["ws_9", "ws_01", "ws_", "vs_1", "1", "ws_1%2F"])
def test_there_is_no_other_store(client: OpenAI, store_id: str) -> None:
    with pytest.raises(openai.NotFoundError, match="No vector store found"):
        client.vector_stores.retrieve(store_id)
    with pytest.raises(openai.NotFoundError, match="No vector store found"):
        client.vector_stores.search(store_id, query="leave")


@pytest.mark.parametrize("file_id", ["9999", "file-1001", "01001", "x"])
def test_there_is_no_other_file(client: OpenAI, file_id: str) -> None:
    with pytest.raises(openai.NotFoundError, match="No file found"):
        client.files.retrieve(file_id)
    with pytest.raises(openai.NotFoundError, match="No file found"):
        client.files.content(file_id)


def test_documents_are_not_changed_here(client: OpenAI) -> None:
    for write in (
        lambda: client.vector_stores.create(name="new"),
        lambda: client.vector_stores.update("ws_1", name="new"),
        lambda: client.vector_stores.delete("ws_1"),
        lambda: client.files.create(file=b"text", purpose="assistants"),
        lambda: client.files.delete("1001"),
    ):
        with pytest.raises(openai.APIStatusError, match="Manage workspaces and files in LightOn"):
            write()
