"""Requests of the Responses API, what is stored of them, and requests that go on from that."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import orjson

from tests.fuzz.answers import RESPONSES, response_in
from tests.fuzz.requests import Good, Requests, Sent
from tests.fuzz.upstream import answering_proxy, calling

_EARLIER: Final = "resp_of_an_earlier_request"
_EARLIER_ITEM: Final = "msg_of_an_earlier_response"
"""Stand in a case for the ids of a response that the proxy has stored, and of its message."""
_SAID: Final = {"type": "output_text", "text": "It is 27 days. [1]", "annotations": []}
_FUNCTION: Final = {"type": "function", "name": "f", "parameters": {"type": "object"}}
_GRAMMAR: Final = {"type": "grammar", "syntax": "lark", "definition": "start: /a+/"}
_CUSTOM: Final = {"type": "custom", "name": "c", "description": "Runs a.", "format": _GRAMMAR}
_FILE_SEARCH: Final = {
    "type": "file_search",
    "vector_store_ids": ["ws_42"],
    "max_num_results": 5,
    "ranking_options": {"ranker": "auto", "score_threshold": 0.5},
    "filters": {
        "type": "and",
        "filters": [
            {"type": "eq", "key": "author", "value": "ann"},
            {"type": "or", "filters": [{"type": "gte", "key": "year", "value": 2024}]},
        ],
    },
}
_ITEMS: Final[list[dict[str, Any]]] = [
    {"role": "developer", "content": "Be brief."},
    {
        "type": "message",
        "role": "user",
        "content": [
            {"type": "input_text", "text": "How many days?"},
            {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "low"},
        ],
    },
    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}]},
    {"type": "file_search_call", "id": "fs_1", "queries": ["leave"], "status": "completed"},
    {"type": "message", "role": "assistant", "id": "m", "status": "completed", "content": [_SAID]},
    {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
    {"type": "custom_tool_call", "call_id": "c2", "name": "c", "input": "a"},
    {"type": "function_call_output", "call_id": "c1", "output": "sunny"},
    {
        "type": "custom_tool_call_output",
        "call_id": "c2",
        "output": [{"type": "input_text", "text": "x"}],
    },
    {"role": "user", "content": "And now?"},
]
_DOCUMENTS: Final[tuple[dict[str, Any], ...]] = (
    {"input": "How many days of leave?", "stream": True},
    {"input": "And now?", "previous_response_id": _EARLIER, "stream": True, "store": False},
    {"model": "m", "instructions": "Be brief.", "input": _ITEMS, "tools": [_FUNCTION, _CUSTOM]},
    {
        "input": [
            {"type": "item_reference", "id": _EARLIER_ITEM},
            {"role": "user", "content": "Hi"},
        ],
        "previous_response_id": _EARLIER,
        "tools": [
            _FILE_SEARCH,
            {"type": "namespace", "name": "n", "description": "d", "tools": [_FUNCTION, _CUSTOM]},
        ],
        "tool_choice": {"type": "file_search"},
        "include": ["file_search_call.results", "message.output_text.logprobs"],
        "max_tool_calls": 2,
        "stream": True,
    },
    {
        "input": "Hi",
        "tools": [_CUSTOM, _FUNCTION],
        "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [_FUNCTION]},
        "parallel_tool_calls": False,
        "stream": True,
        "stream_options": {"include_obfuscation": False},
        "lighton": {"retrieval": "hybrid", "workspace_id": [42], "max_results": 3},
    },
    {
        "input": "Hi",
        "include": ["reasoning.encrypted_content"],
        "text": {
            "format": {"type": "json_schema", "name": "s", "schema": {"type": "object"}},
            "verbosity": "low",
        },
        "reasoning": {"effort": "low", "summary": "auto"},
        "metadata": {"a": "b"},
        "max_output_tokens": 100,
        "temperature": 0.5,
        "top_p": 1,
        "top_logprobs": 0,
        "truncation": "auto",
        "service_tier": "auto",
        "background": False,
        "prompt_cache_key": "k",
        "user": "ann",
    },
)
_NAMES: Final = (
    "input",
    "previous_response_id",
    "conversation",
    "tools",
    "tool_choice",
    "text",
    "format",
    "include",
    "store",
    "stream",
    "call_id",
    "output",
    "content",
    "role",
    "type",
    "name",
    "arguments",
    "id",
    "summary",
    "filters",
    "key",
    "value",
    "lighton",
    "messages",
)
_READS: Final = (
    f"GET {RESPONSES}/{_EARLIER}",
    f"GET {RESPONSES}/{_EARLIER}?include[]=file_search_call.results&stream=false",
    f"GET {RESPONSES}/{_EARLIER}/input_items?limit=1&order=asc",
)


class ResponsesRequests(Requests):
    """`POST /v1/responses`. What is stored can be read, and gone on from."""

    def __init__(self, runner: asyncio.Runner) -> None:
        good = [Good(f"POST {RESPONSES}", each) for each in _DOCUMENTS]
        good += map(Good, _READS)
        app = answering_proxy(calling, search_memory=True)
        super().__init__(runner, app, "responses", good, _NAMES)
        first = self._go_on({"input": "How many days of leave?"})
        assert first is not None
        self._ids = {_EARLIER: first["id"], _EARLIER_ITEM: first["output"][-1]["id"]}

    def read(self, case: bytes) -> Sent:
        for name, id_ in self._ids.items():
            case = case.replace(name.encode(), id_.encode())
        return super().read(case)

    def check(self, case: bytes) -> None:
        sent = self.read(case)
        answer = self.asked(sent)
        if sent.method != "POST" or answer.status != 200:
            return
        asked = json.loads(sent.body)
        response = response_in(asked, answer.body)
        if asked.get("store") is not False and response["status"] != "failed":
            self._check_stored(response)

    def _check_stored(self, response: dict[str, Any]) -> None:
        path = f"{RESPONSES}/{response['id']}"
        read = self.asked(Sent("GET", path, {}, b""))
        items = self.asked(Sent("GET", f"{path}/input_items", {}, b""))
        assert (read.status, items.status) == (200, 200), (read.body, items.body)
        stored = read.json()
        assert {k: stored[k] for k in ("id", "status")} == {
            k: response[k] for k in ("id", "status")
        }
        self._go_on({"input": "Go on.", "previous_response_id": response["id"], "store": False})

    def _go_on(self, document: Any) -> dict[str, Any] | None:
        answer = self.asked(Sent("POST", RESPONSES, {}, orjson.dumps(document)))
        return response_in(document, answer.body) if answer.status == 200 else None


@contextmanager
def responses_requests() -> Iterator[ResponsesRequests]:
    with asyncio.Runner() as runner:
        yield ResponsesRequests(runner)
