"""Small values that the tests of the core share."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from proxy.core.fence import Fence
from proxy.core.hidden import Found
from proxy.core.instructions import QUOTING
from proxy.core.kept import Said
from proxy.core.passages import Result
from proxy.core.scope import Scope
from proxy.core.search_tool import Search, SearchTool
from proxy.core.turn import Owner, ToolCall
from proxy.core.wire import Message, Tool

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


class _NoUpstream:
    """Stands where the core is tested, which runs no search."""

    name = "LightOn"

    async def search(self, search: Search, scope: Scope) -> Found:
        raise AssertionError(f"a test of the core ran {search} in {scope}")


FENCE = Fence("0123456789")
note = FENCE.note
EXPLAINED = note(QUOTING)

TOOLS = (SearchTool(_NoUpstream(), "Search."),)


def result(chunk_id: str = "c1", content: str | None = "Leave is 27 days.", **more: Any) -> Result:
    given = {
        "score": 0.5,
        "file_id": 7,
        "title": "Leave",
        "filename": "leave_a1.pdf",
        "url": "https://docs.example/leave",
    }
    return Result(chunk_id=chunk_id, content=content, **{**given, **more})


def quoted(*shown: str, citing: str = "") -> str:
    """All that the model reads of new passages: what marks say, the passages, how to cite them."""
    return "\n\n".join((EXPLAINED, *shown, *([note(citing)] if citing else ())))


def tool(name: str) -> Tool:
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}


def call(arguments: Any, id: str = "call_1", name: str = "lighton_search") -> ToolCall:
    """A call of the search tool; `arguments` as the model wrote them, or to be written as JSON."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return ToolCall(id, name, text, Owner.HIDDEN)


def handle_of_answer(*messages: Message) -> str:
    """The handle of the last message, which ends an answer."""
    said = Said()
    *_, found = [said.add(message) for message in messages]
    assert found
    return found
