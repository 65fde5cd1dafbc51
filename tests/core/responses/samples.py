"""A reader of requests for the tests of this folder."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from proxy.core.chat import Chat
from proxy.core.responses.file_search import FileSearch
from proxy.core.responses.request import ResponsesRequest, read_request
from proxy.core.scope import Scope
from proxy.errors import BadRequest
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.wish import WISHES

HIDDEN = frozenset({"lighton_search", "lighton_read"})
FILE_SEARCH = {"type": "file_search", "vector_store_ids": ["ws_42"]}
FUNCTION: dict[str, Any] = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    "strict": False,
}
CUSTOM: dict[str, Any] = {"type": "custom", "name": "apply_patch", "description": "Patches files."}
CALL = {"type": "function_call", "call_id": "c1", "name": "get_weather", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "c1", "output": "Sunny."}


def mint() -> Callable[[str], str]:
    """Makes ids that are numbered from 1."""
    numbers = itertools.count(1)
    return lambda prefix: f"{prefix}_{next(numbers)}"


def scope_of(search: FileSearch) -> Scope:
    """What a file search reaches, where a store is called by the number of its workspace."""
    ids = tuple(int(each.removeprefix("ws_")) for each in search.stores)
    return LightOnScope(workspace_id=ids, max_results=search.max_results)


def read(**fields: Any) -> ResponsesRequest:
    document: Mapping[str, Any] = {"input": "Hello", **fields}
    return read_request(document, WISHES, HIDDEN, scope_of, mint())


def chat(**fields: Any) -> Chat:
    return read(**fields).chat()


def fault(**fields: Any) -> BadRequest:
    """Why a request is refused, at the latest when it becomes a chat."""
    with pytest.raises(BadRequest) as caught:
        chat(**fields)
    return caught.value
