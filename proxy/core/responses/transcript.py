"""Items as the messages of a chat.

What the assistant does between two messages of others is one message in a chat: its thoughts, its
words and its calls. A search of the proxy's own is none: the kept turn holds it, see
`proxy.core.kept`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, cast

from proxy.core.chat import MAX_CALLS, MAX_MESSAGES
from proxy.core.responses.parts import chat_content, joined
from proxy.core.responses.tools import chat_name, custom_arguments
from proxy.core.responses.wire import (
    CustomToolCall,
    CustomToolCallOutput,
    FunctionCall,
    FunctionCallOutput,
    Given,
    Item,
    MessageItem,
    ReasoningItem,
)
from proxy.core.thoughts import without_own_lines
from proxy.core.wire import Content, Message, MessageCall
from proxy.errors import BadRequest

_LONGEST_SHOWN: Final = 80


def resolved(
    given: Iterable[Given], history: Iterable[Item], found: Mapping[str, Item]
) -> tuple[Item, ...]:
    """The request's own items, with what its references stand for in their places.

    `found` are stored items by their ids. Raises BadRequest for a reference to none of them.
    """
    known = {**found, **{each["id"]: each for each in history}}
    return tuple(
        _referred(each["id"], place, known) if each["type"] == "item_reference" else each
        for place, each in enumerate(given)
    )


def _referred(id_: str, place: int, known: Mapping[str, Item]) -> Item:
    if id_ not in known:
        raise BadRequest(
            f"Item with id {id_[:_LONGEST_SHOWN]!r} not found: it was not stored, or is stored no "
            "more. Send the item itself.",
            param=f"input[{place}].id",
        )
    return known[id_]


def messages_of(
    history: Sequence[Item], given: Sequence[Given], found: Mapping[str, Item]
) -> list[Message]:
    """The messages that a history and a request's own items make.

    An item of the history that the request refers to stands where it stood. Raises BadRequest that
    names the item at fault.
    """
    transcript = _Transcript()
    for item in history:
        transcript.add(item, "previous_response_id")
    heard = {each["id"] for each in history}
    for place, (sent, item) in enumerate(zip(given, resolved(given, history, found), strict=True)):
        if sent["type"] != "item_reference" or sent["id"] not in heard:
            transcript.add(item, f"input[{place}]")
    messages = transcript.end()
    if not messages:
        raise BadRequest("'input' must hold at least one message.", param="input")
    if len(messages) > MAX_MESSAGES:
        raise BadRequest(
            f"'input' and what came before it have {len(messages)} messages, and may have "
            f"{MAX_MESSAGES}. Begin a new conversation.",
            param="input",
        )
    return list(map(without_own_lines, messages))


class _Transcript:
    """Makes messages of items, one after the other."""

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._called: set[str] = set()
        """The ids of all calls so far."""
        self._thoughts: list[str] = []
        self._words: list[Content] = []
        self._calls: list[MessageCall] = []
        """With the two before it, what the assistant does until somebody else speaks."""

    def add(self, item: Item, param: str) -> None:
        """Take in the next item. `param` is where the client finds it."""
        match item["type"]:
            case "message":
                self._add_message(item)
            case "reasoning":
                self._thoughts.append(_thoughts(item))
            case "function_call":
                self._add_call(item, item["arguments"], param)
            case "custom_tool_call":
                self._add_call(item, custom_arguments(item["input"]), param)
            case "function_call_output" | "custom_tool_call_output":
                self._add_result(item, chat_content(item["output"]), param)
            case "file_search_call":
                pass

    def end(self) -> list[Message]:
        self._end_turn()
        return self._messages

    def _add_message(self, item: MessageItem) -> None:
        content = chat_content(item["content"])
        if item["role"] == "assistant":
            self._words.append(content)
        else:
            self._end_turn()
            self._messages.append({"role": item["role"], "content": content})

    def _add_call(self, item: FunctionCall | CustomToolCall, arguments: str, param: str) -> None:
        if len(self._calls) == MAX_CALLS:
            raise BadRequest(
                f"'{param}' is one more than the {MAX_CALLS} calls that may follow each other.",
                param=param,
            )
        name = chat_name(item["name"], item.get("namespace"))
        function = {"name": name, "arguments": arguments}
        call = {"id": item["call_id"], "type": "function", "function": function}
        self._calls.append(cast("MessageCall", call))
        self._called.add(item["call_id"])

    def _add_result(
        self, item: FunctionCallOutput | CustomToolCallOutput, content: Content, param: str
    ) -> None:
        call_id = item["call_id"]
        if call_id not in self._called:
            kind = item["type"].replace("_", " ")
            raise BadRequest(
                f"No tool call found for {kind} with call_id "
                f"{call_id[:_LONGEST_SHOWN]}. Send the call before it, or the id of the response "
                "that made it as 'previous_response_id'.",
                param=f"{param}.call_id",
            )
        self._end_turn()
        self._messages.append({"role": "tool", "tool_call_id": call_id, "content": content})

    def _end_turn(self) -> None:
        """What the assistant did becomes a message. Thoughts alone are none."""
        if self._words or self._calls:
            turn: Message = {"role": "assistant", "content": joined(self._words)}
            if self._calls:
                turn["tool_calls"] = self._calls
            elif turn["content"] is None:
                turn["content"] = ""
            if thoughts := "\n".join(filter(None, self._thoughts)):
                turn["reasoning_content"] = thoughts
            self._messages.append(turn)
        self._thoughts, self._words, self._calls = [], [], []


def _thoughts(item: ReasoningItem) -> str:
    """What was thought, or the summary of it."""
    return "\n".join(each["text"] for each in item.get("content") or item["summary"])
