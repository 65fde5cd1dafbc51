"""Lists, and what they hold, are as the document says."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.app import Proxy
from tests.schemas.asked import QUESTION, get, proxy_on_stand_ins
from tests.schemas.described import faults
from tests.support.asgi import ask


@pytest.fixture
def app(tmp_path: Path) -> Proxy:
    return proxy_on_stand_ins(tmp_path)


async def test_models_are_as_told(app: Proxy) -> None:
    models = (await get(app, "/v1/models")).json()
    assert models["data"]
    assert not faults("ModelList", models)
    one = (await get(app, f"/v1/models/{models['data'][0]['id']}")).json()
    assert not faults("Model", one)


async def test_vector_stores_are_as_told(app: Proxy) -> None:
    stores = (await get(app, "/v1/vector_stores?limit=1")).json()
    assert stores["data"]
    assert not faults("VectorStoreList", stores)
    one = (await get(app, f"/v1/vector_stores/{stores['data'][0]['id']}")).json()
    assert not faults("VectorStore", one)
    nothing = {**stores, "data": [], "first_id": None, "last_id": None}
    assert not faults("VectorStoreList", nothing)
    assert faults("VectorStoreList", {**stores, "data": [{"id": "ws_1"}]})


async def test_files_of_a_store_are_as_told(app: Proxy) -> None:
    path = "/v1/vector_stores/ws_1/files"
    files = (await get(app, path)).json()
    assert files["data"]
    assert not faults("VectorStoreFileList", files)
    one = (await get(app, f"{path}/{files['data'][0]['id']}")).json()
    assert not faults("VectorStoreFile", one)
    content = (await get(app, f"{path}/{one['id']}/content")).json()
    assert content["data"][0]["text"]
    assert not faults("VectorStoreFileContent", content)


async def test_results_and_their_files_are_as_told(app: Proxy) -> None:
    stores = (await get(app, "/v1/vector_stores")).json()["data"]
    found = []
    for store in stores:
        answer = await ask(app, f"/v1/vector_stores/{store['id']}/search", {"query": QUESTION})
        assert not faults("SearchResults", answer.json())
        found += answer.json()["data"]
    assert found
    file = (await get(app, f"/v1/files/{found[0]['file_id']}")).json()
    assert not faults("File", file)
    assert faults("File", {**file, "bytes": None})
