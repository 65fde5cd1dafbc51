"""The same conversation on the other API: a chat request as one of Responses, and the reply back.

Written as clients do it that keep their history themselves: all items are sent again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def request_of(chat: Mapping[str, Any]) -> dict[str, Any]:
    """The request that means what the chat request does."""
    tools = [{"type": "function", **each["function"]} for each in chat.get("tools") or ()]
    items = [item for message in chat["messages"] for item in _items(message)]
    kept = {name: value for name, value in chat.items() if name not in ("messages", "tools")}
    return {**kept, "tools": tools, "input": items, "store": False}


def reply_of(response: Mapping[str, Any]) -> dict[str, Any]:
    """What the client heard, named as an assembled chat reply has it."""
    output = response["output"]
    said = [part for item in output if item["type"] == "message" for part in item["content"]]
    calls = [
        {"id": item["call_id"], "name": item["name"], "arguments": item["arguments"]}
        for item in output
        if item["type"] == "function_call"
    ]
    return {"content": "".join(each["text"] for each in said) or None, "tool_calls": calls or None}


def _items(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    role, content = message["role"], message.get("content")
    if role == "tool":
        call_id = message["tool_call_id"]
        output = _parts(content, "input_text")
        yield {"type": "function_call_output", "call_id": call_id, "output": output}
        return
    if thoughts := message.get("reasoning_content"):
        part = {"type": "reasoning_text", "text": thoughts}
        yield {"type": "reasoning", "id": "rs_1", "summary": [], "content": [part]}
    if content:
        kind = "output_text" if role == "assistant" else "input_text"
        yield {"type": "message", "role": role, "content": _parts(content, kind)}
    for call in message.get("tool_calls") or ():
        given = call["function"]["arguments"]
        arguments = given if isinstance(given, str) else "{}"
        name = call["function"]["name"]
        yield {"type": "function_call", "call_id": call["id"], "name": name, "arguments": arguments}


def _parts(content: Any, kind: str) -> Any:
    """Texts and images as items have them; an assistant says no images."""
    if not isinstance(content, list):
        return content or ""
    return [
        {"type": kind, "text": each["text"]}
        if each["type"] == "text"
        else {"type": "input_image", "image_url": each["image_url"]["url"], "detail": "auto"}
        for each in content
        if each["type"] == "text" or kind != "output_text"
    ]
