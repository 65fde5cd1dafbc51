"""What clients really send to /v1/responses is understood. `recorded/` has it, as it left them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proxy.core.chat import Chat
from proxy.core.responses.request import read_request
from proxy.errors import BadRequest
from proxy.upstreams.lighton.wish import WISHES
from tests.core.responses.samples import HIDDEN, mint, scope_of

FILES = sorted((Path(__file__).parent / "recorded").glob("*.json"))
SENT = [
    pytest.param(body, id=f"{file.stem}-{number}")
    for file in FILES
    for number, body in enumerate(json.loads(file.read_text(encoding="utf-8"))["bodies"], 1)
]


def read(body: dict[str, Any]) -> Chat:
    """The chat that a request makes, where each item that it refers to is stored."""
    request = read_request(body, WISHES, HIDDEN, scope_of, mint())
    found = {id_: {"type": "reasoning", "id": id_, "summary": []} for id_ in request.references}
    return request.chat(found=found)  # type: ignore[arg-type]


def refused(body: dict[str, Any]) -> bool:
    """Whether a request names a tool that only OpenAI runs, as Codex does unless it is told."""
    return any(tool["type"] == "web_search" for tool in body.get("tools", ()))


@pytest.mark.parametrize("body", SENT)
def test_a_recorded_request_is_understood(body: dict[str, Any]) -> None:
    if refused(body):
        with pytest.raises(BadRequest, match='web_search = "disabled"'):
            read(body)
        return
    chat = read(body)
    calls = [call["id"] for each in chat.messages for call in each.get("tool_calls") or ()]
    results = [each["tool_call_id"] for each in chat.messages if each["role"] == "tool"]
    items = body["input"] if isinstance(body["input"], list) else []
    assert results == [each["call_id"] for each in items if each.get("output")]
    assert set(results) <= set(calls)
    assert len(chat.tools) == sum(tool["type"] == "function" for tool in body.get("tools", ()))
    assert chat.wish.must_search == any(
        tool["type"] == "file_search" for tool in body.get("tools", ())
    )


def test_every_client_of_responses_has_been_recorded() -> None:
    assert len(FILES) == 10
