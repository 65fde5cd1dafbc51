"""Checks of Responses by the types of the installed openai package, and readings of its streams.

Two readings: one by hand, as a small client does it, and one by openai-python's own accumulator.
Both know nothing of the proxy's code.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, get_args

from openai import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel

FIELDS_BEYOND_THE_TYPES = frozenset(
    {
        "lighton",  # the proxy's own report
        "store",  # OpenAI sends it, too
        "ResponseFunctionCallArgumentsDoneEvent.name",  # OpenAI's documentation has it
        "ResponseCustomToolCall.status",  # OpenAI sends it, too
        "Logprob.bytes",  # of a delta: OpenAI sends it, too
        "LogprobTopLogprob.bytes",
    }
)


def check_event(event: Mapping[str, Any]) -> None:
    """Check one event: all that its type demands, and nothing that no type names."""
    _check(_event_types()[event["type"]], event)


def check_response(response: Mapping[str, Any]) -> None:
    """Check a whole response object in the same way."""
    _check(Response, response)


def check_order(events: list[dict[str, Any]]) -> None:
    """Check what OpenAI promises of a stream beyond single events."""
    assert [each["sequence_number"] for each in events] == list(range(len(events)))
    types = [each["type"] for each in events]
    assert types[:2] == ["response.created", "response.in_progress"]
    ends = {"response.completed", "response.incomplete", "response.failed"}
    assert [each for each in types if each in ends] == types[-1:]
    added = [each["output_index"] for each in events if each["type"].endswith("item.added")]
    assert added == list(range(len(added)))
    for name in ("output_item", "content_part", "reasoning_summary_part"):
        begun = _places(events, f"response.{name}.added")
        ended = _places(events, f"response.{name}.done")
        assert len(set(begun)) == len(begun), f"a {name} began twice"
        if types[-1] == "response.failed":
            assert set(ended) <= set(begun)
        else:
            assert sorted(ended) == sorted(begun), f"not each {name} that began has ended once"


def fold(events: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The response that a client builds of the items, parts and deltas of a stream.

    Only what no delta tells comes from the last event: status, usage and so on. Items that did not
    end are no part of it.
    """
    items: dict[int, dict[str, Any]] = {}
    done: set[int] = set()
    last: dict[str, Any] = {}
    for event in events:
        match event["type"].removeprefix("response.").split("."):
            case ["output_item", "added"]:
                assert event["output_index"] not in items
                items[event["output_index"]] = copy.deepcopy(event["item"])
            case ["output_item", "done"]:
                _finish(items[event["output_index"]], event["item"])
                done.add(event["output_index"])
            case ["created" | "in_progress" | "completed" | "incomplete" | "failed"]:
                last = dict(event["response"])
            case what:
                item = items[event["output_index"]]
                assert item["id"] == event["item_id"]
                _hear(item, what, event)
    return {**last, "output": [items[index] for index in sorted(done)]}


def accumulate(events: Iterable[Mapping[str, Any]]) -> dict[tuple[str, int], str]:
    """The texts and arguments that openai-python's accumulator holds, by item and part.

    It also fails where the SDK would fail.
    """
    state: ResponseStreamState[Any] = ResponseStreamState(input_tools=omit, text_format=omit)
    held: dict[tuple[str, int], str] = {}
    for event in events:
        kind: Any = _event_types()[event["type"]]
        for told in state.handle_event(kind.construct(**event)):
            snapshot = getattr(told, "snapshot", None)
            if snapshot is not None:
                held[event["item_id"], event.get("content_index", 0)] = snapshot
    return held


def held_by(response: Mapping[str, Any]) -> dict[tuple[str, int], str]:
    """The same of a whole response. It leaves out what is empty."""
    texts = {
        (item["id"], place): part.get("text", "")
        for item in response["output"]
        if item["type"] == "message"
        for place, part in enumerate(item["content"])
    }
    calls = {(item["id"], 0): item.get("arguments", "") for item in response["output"]}
    return {place: text for place, text in (*texts.items(), *calls.items()) if text}


def _places(events: list[dict[str, Any]], type_: str) -> list[tuple[int, int]]:
    return [
        (each["output_index"], each.get("content_index", each.get("summary_index", 0)))
        for each in events
        if each["type"] == type_
    ]


def _hear(item: dict[str, Any], what: list[str], event: Mapping[str, Any]) -> None:
    match what:
        case ["content_part" | "reasoning_summary_part" as name, news]:
            parts = item["content" if name == "content_part" else "summary"]
            index = event["content_index" if name == "content_part" else "summary_index"]
            if news == "added":
                assert index == len(parts)
                parts.append(copy.deepcopy(event["part"]))
            else:
                assert parts[index] == event["part"]
        case ["output_text", "annotation", "added"]:
            annotations = item["content"][event["content_index"]]["annotations"]
            assert event["annotation_index"] == len(annotations)
            annotations.append(event["annotation"])
        case ["file_search_call", news]:
            item["status"] = news
        case [name, "delta"]:
            holder, field = _field(item, name, event)
            holder[field] += event["delta"]
            if name == "output_text":
                holder["logprobs"] += event["logprobs"]
        case [name, "done"]:
            holder, field = _field(item, name, event)
            if name == "custom_tool_call_input" and not event[field]:
                holder[field] = ""  # it broke off, and is taken back: half of it must not run
            assert holder[field] == event[field]


def _field(item: dict[str, Any], name: str, event: Mapping[str, Any]) -> tuple[Any, str]:
    match name:
        case "output_text" | "reasoning_text":
            return item["content"][event["content_index"]], "text"
        case "reasoning_summary_text":
            return item["summary"][event["summary_index"]], "text"
        case "refusal":
            return item["content"][event["content_index"]], "refusal"
        case "function_call_arguments":
            return item, "arguments"
        case "custom_tool_call_input":
            return item, "input"
    raise AssertionError(f"an event that no client knows: {name}")


def _finish(item: dict[str, Any], told: Mapping[str, Any]) -> None:
    """Take over what only the end of an item tells; all else must be known already."""
    late = {"status", "results"}
    assert {k: v for k, v in item.items() if k not in late} == {
        k: v for k, v in told.items() if k not in late
    }
    item.update({k: v for k, v in told.items() if k in late})


@cache
def _event_types() -> Mapping[str, type[BaseModel]]:
    union = get_args(ResponseStreamEvent)[0]
    return {get_args(each.model_fields["type"].annotation)[0]: each for each in get_args(union)}


def _check(kind: type[BaseModel], document: Mapping[str, Any]) -> None:
    read = kind.model_validate(document, strict=True)
    unknown = set(_unknown(read)) - FIELDS_BEYOND_THE_TYPES
    assert not unknown, f"no type has {sorted(unknown)}"


def _unknown(read: object) -> Iterable[str]:
    """The fields that no type names."""
    if isinstance(read, BaseModel):
        for name in read.model_extra or {}:
            short = {"lighton", "store"}
            yield name if name in short else f"{type(read).__name__}.{name}"
        for name in type(read).model_fields:
            yield from _unknown(getattr(read, name))
    elif isinstance(read, list):
        for each in read:
            yield from _unknown(each)
