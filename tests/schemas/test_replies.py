"""What the proxy replies is as the document says, and what is broken is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proxy.app import Proxy
from proxy.core.wire import Chunk, Completion
from tests.schemas.asked import EMBEDDER, MODEL, QUESTION, data_of, get, proxy_on_stand_ins
from tests.schemas.described import document, faults
from tests.support.asgi import ask

CHAT = {"messages": [{"role": "user", "content": QUESTION}]}
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]


@pytest.fixture
def app(tmp_path: Path) -> Proxy:
    return proxy_on_stand_ins(tmp_path)


async def posted(app: Proxy, path: str, body: Any) -> Any:
    answer = await ask(app, path, body)
    assert answer.status == 200, answer.body
    return answer.json()


async def test_a_completion_is_as_told(app: Proxy) -> None:
    reply = await posted(app, "/v1/chat/completions", CHAT)
    assert not faults("Completion", reply)
    assert reply["lighton"]["citations"]


@pytest.mark.parametrize("include_usage", [False, True])
async def test_each_chunk_is_as_told(app: Proxy, include_usage: bool) -> None:  # noqa: FBT001
    options = {"include_usage": include_usage}
    body = {**CHAT, "stream": True, "stream_options": options, "tools": TOOLS}
    chunks = list(data_of(await ask(app, "/v1/chat/completions", body)))
    assert len(chunks) > 2
    for each in chunks:
        assert not faults("Chunk", each)
    assert any("lighton" in each for each in chunks)


async def test_a_response_is_as_told_also_when_it_is_read_again(app: Proxy) -> None:
    reply = await posted(app, "/v1/responses", {"input": QUESTION})
    assert not faults("ResponseObject", reply)
    path = f"/v1/responses/{reply['id']}"
    assert not faults("ResponseObject", (await get(app, path)).json())
    items = (await get(app, f"{path}/input_items")).json()
    assert items["data"]
    assert not faults("ItemList", items)
    gone = await ask(app, path, method="DELETE", content=b"")
    assert not faults("Deleted", gone.json())


async def test_each_event_is_as_told(app: Proxy) -> None:
    search = {"type": "file_search", "vector_store_ids": ["ws_1"]}
    body = {"input": QUESTION, "stream": True, "tools": [search]}
    events = list(data_of(await ask(app, "/v1/responses", body)))
    assert len(events) > 4
    for each in events:
        assert not faults("Event", each)


async def test_what_is_passed_on_is_as_told(app: Proxy) -> None:
    body: dict[str, Any] = {"model": EMBEDDER, "input": ["a", "b"]}
    for encoding in ("float", "base64"):
        reply = await posted(app, "/v1/embeddings", {**body, "encoding_format": encoding})
        assert not faults("Embeddings", reply)
    ranking = {"model": EMBEDDER, "query": "a", "documents": ["a", "b"]}
    answer = await ask(app, "/v1/rerank", ranking)
    assert not faults("Ranking" if answer.status == 200 else "Error", answer.json())


async def test_health_and_usage_are_as_told(app: Proxy) -> None:
    for path in ("/health", "/ready"):
        assert not faults("Health", (await get(app, path)).json())
    async with app.lifespan_context(app):
        await posted(app, "/v1/chat/completions", CHAT)
        usage = (await get(app, "/v1/usage")).json()
    assert usage["models"]
    assert not faults("UsageOfKey", usage)


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("Completion", {"object": "chat.completion.chunk"}),
        ("Completion", {"choices": [{}]}),
        ("Completion", {"usage": None}),
        ("Completion", {"lighton": {"rounds": "two"}}),
        ("ResponseObject", {"status": "done"}),
        ("ResponseObject", {"output": [{"type": "message"}]}),
    ],
)
async def test_what_is_broken_is_not_as_told(app: Proxy, name: str, broken: dict[str, Any]) -> None:
    paths = {"Completion": "/v1/chat/completions", "ResponseObject": "/v1/responses"}
    body = CHAT if name == "Completion" else {"input": QUESTION, "model": MODEL}
    reply = await posted(app, paths[name], body)
    assert faults(name, {**reply, **broken})


def test_the_fields_of_replies_are_those_that_the_code_is_checked_with() -> None:
    schemas = document()["components"]["schemas"]
    for name, kind in {"Completion": Completion, "Chunk": Chunk}.items():
        assert set(schemas[name]["properties"]) == {*kind.__annotations__, "lighton"}


def test_two_types_of_one_name_have_names_of_their_own() -> None:
    schemas = document()["components"]["schemas"]
    assert "type" in schemas["ResponseUrlCitation"]["properties"]
    assert "type" not in schemas["UrlCitation"]["properties"]
    assert not [name for name in schemas if "__" in name]
