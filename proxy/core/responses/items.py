"""The items of a request: what the client sent, in the shape in which `/input_items` lists it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, cast

from proxy.core.chat import MAX_MESSAGES, MAX_NAME_CHARS, MAX_PARTS
from proxy.core.checks import Types, check_length, check_types
from proxy.core.responses.parts import read_content
from proxy.core.responses.wire import (
    CustomToolCall,
    CustomToolCallOutput,
    FileSearchCall,
    FunctionCall,
    FunctionCallOutput,
    Given,
    ItemReference,
    MessageItem,
    ReasoningItem,
    Status,
)
from proxy.errors import BadRequest

Mint = Callable[[str], str]
"""Makes an id that begins with the given letters and is nobody else's."""

_LONGEST_SHOWN: Final = 80
_ROLES: Final = ("user", "assistant", "system", "developer")
_STATUSES: Final[tuple[Status, ...]] = ("in_progress", "completed", "incomplete")
_CALL: Final[Mapping[str, Types]] = {
    "name": (str,),
    "call_id": (str,),
    "namespace": (str,),
    "arguments": (str,),
    "input": (str,),
}
_SPEECH: Final[Mapping[str, Types]] = {"id": (str,), "summary": (list,), "content": (list,)}
_SEARCH: Final[Mapping[str, Types]] = {"id": (str,), "queries": (list,), "results": (list,)}


def read_items(sent: object, mint: Mint) -> tuple[Given, ...]:
    """The items of `input`, which is a text or a list. Raises BadRequest."""
    if isinstance(sent, str):
        return (_message({"role": "user", "content": sent}, "input", mint),)
    if not isinstance(sent, list):
        return ()
    check_length("input", sent, MAX_MESSAGES)
    return tuple(_item(each, f"input[{place}]", mint) for place, each in enumerate(sent))


def _item(item: object, param: str, mint: Mint) -> Given:
    if not isinstance(item, dict):
        raise BadRequest(f"'{param}' must be an object.", param=param)
    kind = item.get("type")
    if kind is None:
        kind = "item_reference" if "id" in item and "role" not in item else "message"
    read = _READERS.get(kind) if isinstance(kind, str) else None
    if read is None:
        shown = str(kind)[:_LONGEST_SHOWN]
        raise BadRequest(
            f"'{param}' is of the type {shown!r}, which is not read here. Leave it out. Known "
            f"types: {', '.join(_READERS)}.",
            param=f"{param}.type",
        )
    check_types(f"{param}.", item, {"id": (str,), "status": (str,)})
    check_length(f"{param}.id", item.get("id"), MAX_NAME_CHARS)
    return read(item, param, mint)


def _message(item: Mapping[str, object], param: str, mint: Mint) -> MessageItem:
    role = item.get("role")
    if role not in _ROLES:
        more = " Send the result of a call as a function_call_output." if role == "tool" else ""
        raise BadRequest(
            f"'{param}.role' must be one of {', '.join(_ROLES)}.{more}", param=f"{param}.role"
        )
    where = param if param == "input" else f"{param}.content"
    content = read_content(item.get("content"), where, "output" if role == "assistant" else "input")
    said = {"type": "message", "id": _id(item, "msg", mint), "role": role}
    return cast("MessageItem", {**said, "status": _status(item), "content": content})


def _function_call(item: Mapping[str, object], param: str, mint: Mint) -> FunctionCall:
    called = _call(item, param, "arguments")
    call = {"type": "function_call", "id": _id(item, "fc", mint), **called}
    return cast("FunctionCall", {**call, "status": _status(item)})


def _custom_call(item: Mapping[str, object], param: str, mint: Mint) -> CustomToolCall:
    called = _call(item, param, "input")
    call = {"type": "custom_tool_call", "id": _id(item, "ctc", mint), **called}
    return cast("CustomToolCall", {**call, "status": _status(item)})


def _call(item: Mapping[str, object], param: str, written: str) -> dict[str, object]:
    """What all calls have. The name may be longer than a tool's: a model may have made it up."""
    check_types(f"{param}.", item, _CALL)
    for name in ("call_id", "name", written):
        _need_string(item, param, name, may_be_empty=name == written)
    check_length(f"{param}.namespace", item.get("namespace"), MAX_NAME_CHARS)
    namespace = {"namespace": item["namespace"]} if item.get("namespace") else {}
    return {"call_id": item["call_id"], "name": item["name"], **namespace, written: item[written]}


def _function_result(item: Mapping[str, object], param: str, mint: Mint) -> FunctionCallOutput:
    return cast("FunctionCallOutput", _result(item, param, _id(item, "fco", mint)))


def _custom_result(item: Mapping[str, object], param: str, mint: Mint) -> CustomToolCallOutput:
    return cast("CustomToolCallOutput", _result(item, param, _id(item, "ctco", mint)))


def _result(item: Mapping[str, object], param: str, id_: str) -> dict[str, object]:
    _need_string(item, param, "call_id")
    output = item.get("output")
    if not isinstance(output, str):
        output = read_content(output, f"{param}.output", "input")
    known = {"type": item["type"], "id": id_, "call_id": item["call_id"], "output": output}
    return {**known, "status": _status(item)}


def _reasoning(item: Mapping[str, object], param: str, mint: Mint) -> ReasoningItem:
    """Thoughts. Those that another server has encrypted nobody here can read."""
    check_types(f"{param}.", item, _SPEECH)
    read: dict[str, object] = {
        "type": "reasoning",
        "id": _id(item, "rs", mint),
        "summary": _thoughts(item, param, "summary", "summary_text"),
    }
    if item.get("content"):
        read["content"] = _thoughts(item, param, "content", "reasoning_text")
    return cast("ReasoningItem", read)


def _thoughts(item: Mapping[str, object], param: str, name: str, kind: str) -> list[object]:
    parts = cast("list[object]", item.get(name) or [])
    check_length(f"{param}.{name}", parts, MAX_PARTS)
    for place, each in enumerate(parts):
        where = f"{param}.{name}[{place}]"
        if not isinstance(each, dict) or not isinstance(each.get("text"), str):
            raise BadRequest(f"'{where}.text' must be a string.", param=f"{where}.text")
    return [{"type": kind, "text": cast("Mapping[str, str]", each)["text"]} for each in parts]


def _file_search(item: Mapping[str, object], param: str, mint: Mint) -> FileSearchCall:
    """A search of an earlier answer. The answer tells what came of it."""
    check_types(f"{param}.", item, _SEARCH)
    queries = cast("list[object]", item.get("queries") or [])
    read: FileSearchCall = {
        "type": "file_search_call",
        "id": _id(item, "fs", mint),
        "queries": [each for each in queries if isinstance(each, str)],
        "status": "completed",
    }
    return read


def _reference(item: Mapping[str, object], param: str, _: Mint) -> ItemReference:
    _need_string(item, param, "id")
    return {"type": "item_reference", "id": cast("str", item["id"])}


def _need_string(
    item: Mapping[str, object], param: str, name: str, *, may_be_empty: bool = False
) -> None:
    value = item.get(name)
    if not isinstance(value, str) or not (value or may_be_empty):
        raise BadRequest(f"'{param}.{name}' must be a string.", param=f"{param}.{name}")


def _id(item: Mapping[str, object], prefix: str, mint: Mint) -> str:
    id_ = item.get("id")
    return id_ if isinstance(id_, str) and id_ else mint(prefix)


def _status(item: Mapping[str, object]) -> Status:
    status = item.get("status")
    return next((each for each in _STATUSES if each == status), "completed")


_READERS: Final[Mapping[str, Callable[[Mapping[str, object], str, Mint], Given]]] = {
    "message": _message,
    "function_call": _function_call,
    "function_call_output": _function_result,
    "custom_tool_call": _custom_call,
    "custom_tool_call_output": _custom_result,
    "reasoning": _reasoning,
    "file_search_call": _file_search,
    "item_reference": _reference,
}
