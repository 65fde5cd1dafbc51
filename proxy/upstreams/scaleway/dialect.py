"""The messages of a request in the form that the chat templates of Scaleway's models accept.

Scaleway redirects a model at the end of its life, perhaps to one of Mistral's, and says so only in
the reply. So every model gets what all of them accept, and only what would cost other models
something is in a table.

Sources: the validators of mistral-common before 1.12, the templates of Qwen3.5, Qwen3.6 and Gemma,
and vLLM, which renders them.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import operator
import re
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, cast

from proxy.core.chat import text_of, tool_name
from proxy.core.wire import Content, Message, MessageCall, Part, Tool

_NINE: Final = re.compile(r"[a-zA-Z0-9]{9}")
_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""Names of tools that every server accepts in a history."""
_NOT_IN_NAME: Final = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST_NAME: Final = 64
_NO_NAME: Final = "unknown"

_BETWEEN: Final = "Understood."
"""What the assistant says between a tool's result and a user message that follows it at once."""

_NEUTRAL: Final = "You are a helpful assistant."
"""The system message of a request with tools whose client says nothing there."""

_THOUGHTS: Final = ("thinking", "reasoning")
"""Types of parts that do not belong into a text."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the models of one family demand beyond what all models get."""

    ids: re.Pattern[str]
    """Matches the ids of the family's models."""
    alternates: bool = False
    """No two user messages in a row, and no user message right after a tool's result."""
    is_bare: bool = False
    """Messages, calls and parts of text have no fields but those that the model reads."""


_DIALECTS: Final = (
    Dialect(
        # A model of Mistral's answers in place of llama-3.1-8b-instruct.
        re.compile(
            r"mistral|devstral|magistral|ministral|codestral|pixtral|mixtral|llama-3\.1-8b",
            re.IGNORECASE,
        ),
        alternates=True,
        is_bare=True,
    ),
)
_ANY: Final = Dialect(re.compile(""))


def fit_messages(model: str, messages: Iterable[Message], tools: Sequence[Tool]) -> list[Message]:
    """`messages` as `model` accepts them. They stay as they are, and so do the lists in them."""
    dialect = next((each for each in _DIALECTS if each.ids.search(model)), _ANY)
    declared = frozenset(filter(None, map(tool_name, tools)))
    fitted = [_fit_message(each, declared) for each in messages]
    if dialect.is_bare:
        fitted = list(map(_bare, fitted))
    fitted = _system_first(fitted)
    if tools:
        fitted = _with_system(fitted)
    return _alternating(fitted) if dialect.alternates else fitted


def _fit_message(message: Message, declared: AbstractSet[str]) -> Message:
    """A message in the form that every model accepts.

    Qwen's templates, among others, know no developer role. Some expect answers and results to be
    text. Mistral's accept null only beside calls, and only ids of nine characters.
    """
    role = message["role"]
    calls = message.get("tool_calls") if role == "assistant" else None
    content = message.get("content")
    if role in ("assistant", "tool") and isinstance(content, list):
        content = _as_text(content) or (None if calls else "")
    elif content is None and not calls:
        content = ""
    fitted: Message = {**message, "content": content}
    if role == "developer":
        fitted["role"] = "system"
    if role == "tool":
        fitted["tool_call_id"] = _nine_characters(message["tool_call_id"])
    if calls:
        fitted["tool_calls"] = [_fit_call(each, declared) for each in calls]
    return fitted


def _fit_call(call: MessageCall, declared: AbstractSet[str]) -> MessageCall:
    """A call with an id and a name that every server accepts. Declared names stay."""
    fitted: MessageCall = {**call, "id": _nine_characters(call["id"])}
    name = tool_name(call)
    if name is not None and name not in declared and not _NAME.fullmatch(name):
        fit_name = _NOT_IN_NAME.sub("_", name[:_LONGEST_NAME]) or _NO_NAME
        fitted["function"] = {**call["function"], "name": fit_name}
    return fitted


def _as_text(parts: Sequence[object]) -> str:
    """The text of an answer or a result. It says what was left out, but not thoughts."""
    return "\n".join(filter(None, map(_text_of_part, parts)))


def _text_of_part(part: object) -> str:
    if isinstance(part, str):
        return part
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(part, dict) or kind in _THOUGHTS:
        return ""
    for name in ("text", "refusal"):
        if isinstance(text := part.get(name), str):
            return text
    if not isinstance(kind, str) or kind in ("text", "refusal"):
        return ""
    return f"[{kind[:_LONGEST_NAME]} left out]"


def _bare(message: Message) -> Message:
    """A message without the fields that mistral-common forbids."""
    content, role = message.get("content"), message["role"]
    if isinstance(content, list):
        content = text_of(content) if role == "system" else list(map(_bare_part, content))
    bare: Message = {"role": role, "content": content}
    if role == "tool":
        bare["tool_call_id"] = message["tool_call_id"]
    if role == "assistant":
        if calls := message.get("tool_calls"):
            bare["tool_calls"] = calls
        if reasoning := message.get("reasoning_content") or message.get("reasoning"):
            bare["reasoning_content"] = reasoning
    return bare


def _bare_part(part: object) -> Part:
    if isinstance(part, dict) and part.get("type") == "text":
        return {"type": "text", "text": text_of([part])}
    return cast("Part", part)


def _system_first(messages: list[Message]) -> list[Message]:
    """The messages with one system message, the first, which holds the text of all others."""
    system = [message for message in messages if message["role"] == "system"]
    if not system or (len(system) == 1 and messages[0] is system[0]):
        return messages
    text = "\n\n".join(text_of(message.get("content")) for message in system)
    others = [message for message in messages if message["role"] != "system"]
    return [{"role": "system", "content": text}, *others]


def _with_system(messages: list[Message]) -> list[Message]:
    """The messages with a system message that says something.

    Where tools are sent without one, Scaleway puts in a text of its own.
    """
    if not messages or messages[0]["role"] != "system":
        return [{"role": "system", "content": _NEUTRAL}, *messages]
    first, *others = messages
    if text_of(first.get("content")).strip():
        return messages
    return [{**first, "content": _NEUTRAL}, *others]


def _alternating(messages: list[Message]) -> list[Message]:
    """The messages without two users in a row, and with an answer between a result and a user."""
    alternating: list[Message] = []
    for role, run in itertools.groupby(messages, key=operator.itemgetter("role")):
        first, *others = run
        if role != "user":
            alternating += [first, *others]
            continue
        if alternating and alternating[-1]["role"] == "tool":
            alternating.append({"role": "assistant", "content": _BETWEEN})
        if others:
            first = {**first, "content": _join([each.get("content") for each in (first, *others)])}
        alternating.append(first)
    return alternating


def _join(contents: list[Content]) -> Content:
    """Join contents: texts with a blank line between them, parts one after the other."""
    texts = []
    for each in contents:
        if not isinstance(each, str):
            break
        texts.append(each)
    text = "\n\n".join(filter(None, texts))
    others = contents[len(texts) :]
    return [part for each in (text, *others) for part in _parts(each)] if others else text


def _parts(content: Content) -> list[Part]:
    if isinstance(content, list):
        return content
    return [{"type": "text", "text": content}] if content else []


def _nine_characters(call_id: str) -> str:
    """The id itself if it fits; else one made of its hash, so call and result stay a pair."""
    if _NINE.fullmatch(call_id):
        return call_id
    digest = hashlib.sha256(call_id.encode()).digest()
    return base64.b64encode(digest[:9], altchars=b"Zz").decode()[:9]
