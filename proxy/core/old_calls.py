"""Calls of functions in the history of old clients, which know no ids of calls.

Old assistant messages have a `function_call` without an id, and messages of the role `function`
name the function that they answer. In the new form a result names the id of its call. The id is
also the handle of what the proxy has kept of the answer (see `proxy.core.kept`), so here it is a
hash of the chat up to the call. Two chats that are the same up to there share it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final, cast

import orjson

from proxy.core.chat import text_of
from proxy.core.kept import call_id
from proxy.core.thoughts import without_own_lines
from proxy.core.turn import Owner, Turn, fit_arguments
from proxy.core.wire import Message
from proxy.errors import BadRequest

_LONGEST_SHOWN: Final = 80
_HASHED: Final = ("user", "assistant", "tool")
"""Instructions do not count, because they often hold the date."""


def with_tool_calls(messages: Iterable[object]) -> list[object]:
    """Messages that nobody has checked yet, with the old calls among them in the new form.

    Raises BadRequest for an old call, or a result, that cannot be one.
    """
    sent = list(messages)
    if not any(map(_is_old, sent)):
        return sent
    chat = _Chat()
    calls: dict[str, str] = {}
    """The id of the latest call of each function."""
    modern = []
    for place, message in enumerate(sent):
        if _is_old(message):
            old = cast("Mapping[str, object]", message)
            turn = _result if old["role"] == "function" else _turn
            message = turn(old, f"messages[{place}]", calls, chat)  # noqa: PLW2901  # the same one
        chat.add(message)
        modern.append(message)
    return modern


def _is_old(message: object) -> bool:
    if not isinstance(message, dict):
        return False
    role = message.get("role")
    return role == "function" or (role == "assistant" and message.get("function_call") is not None)


def _turn(
    message: Mapping[str, object], param: str, calls: dict[str, str], chat: _Chat
) -> Mapping[str, object]:
    call = message["function_call"]
    name = call.get("name") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(name, str) or not name:
        raise BadRequest(
            f"'{param}.function_call.name' must be a string.", param=f"{param}.function_call.name"
        )
    if message.get("tool_calls"):
        raise BadRequest(
            f"'{param}' has 'function_call' and 'tool_calls'. Send one of them.",
            param=f"{param}.function_call",
        )
    calls[name] = chat.id_of(name, call.get("arguments"))
    made = {"id": calls[name], "type": "function", "function": call}
    rest = {field: value for field, value in message.items() if field != "function_call"}
    return {**rest, "content": message.get("content"), "tool_calls": [made]}


def _result(
    message: Mapping[str, object], param: str, calls: dict[str, str], _: _Chat
) -> Mapping[str, object]:
    name = message.get("name")
    if not isinstance(name, str) or name not in calls:
        raise BadRequest(
            f"'{param}' is the result of {str(name)[:_LONGEST_SHOWN]!r}, which no 'function_call' "
            "before it calls. Send the assistant message with the call, or leave out the result.",
            param=f"{param}.name",
        )
    rest = {field: value for field, value in message.items() if field != "name"}
    return {**rest, "role": "tool", "tool_call_id": calls[name]}


def with_lasting_id(turn: Turn, messages: Iterable[Message]) -> Turn:
    """A turn that calls the client's function, with the id that the call has when it comes back.

    `messages` are those of the chat before it.
    """
    chat = _Chat()
    for message in messages:
        chat.add(message)
    return replace(
        turn,
        calls=tuple(
            each._replace(id=chat.id_of(each.name, each.arguments))
            if each.owner is Owner.CLIENT
            else each
            for each in turn.calls
        ),
    )


class _Chat:
    """Hashes a chat message by message, in a way that does not depend on how a client writes it.

    What an assistant says beside a call does not count: many clients leave it out. White space does
    not count, nor the order of a call's arguments.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, message: object) -> None:
        """Take in the next message, in the new form. Nobody has checked it yet."""
        if isinstance(message, dict) and message.get("role") in _HASHED:
            for word in _words_of(message):
                self._hash.update(word)

    def id_of(self, name: str, arguments: object) -> str:
        """The id of a call that comes next."""
        hashed = self._hash.copy()
        hashed.update(_call(name, arguments))
        return call_id(hashed.hexdigest(), 0, 0)


def _words_of(message: Mapping[str, object]) -> Iterator[bytes]:
    calls = message.get("tool_calls") if message["role"] == "assistant" else None
    if not calls or not isinstance(calls, list):
        said = text_of(without_own_lines(cast("Message", message)).get("content"))
        yield _framed(str(message["role"]), " ".join(said.split()))
        return
    for call in calls:
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict):
            yield _call(str(function.get("name")), function.get("arguments"))


def _call(name: str, arguments: object) -> bytes:
    given = fit_arguments(arguments) if isinstance(arguments, str) else "{}"
    try:
        read = orjson.loads(given) if isinstance(arguments, str) else arguments
        written = orjson.dumps(read, option=orjson.OPT_SORT_KEYS).decode()
    except orjson.JSONEncodeError:  # nested too deeply to write
        written = given
    return _framed("call", f"{name}({written})")


def _framed(kind: str, text: str) -> bytes:
    """A text that passes for no part of another, because its length stands before it."""
    data = text.encode("utf-8", "surrogatepass")
    return b"%b %d:%b" % (kind.encode(), len(data), data)
