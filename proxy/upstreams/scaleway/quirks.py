"""Where Scaleway's API differs from OpenAI's: makes requests fit for it and reads its errors.

Sources: Scaleway's Generative APIs documentation, the vLLM server behind it and Mistral's chat
templates. Each family of models that differs has a row in a table.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from proxy.core.chat import text_of
from proxy.core.wire import ChatRequest, Content, Message, Part
from proxy.upstreams.scaleway.schema import SentChunk

_NINE: Final = re.compile(r"[a-zA-Z0-9]{9}")
_HTML_TITLE: Final = re.compile(r"<title[^>]{0,200}>([^<]{1,200})</title>", re.IGNORECASE)
_LONGEST_PAGE: Final = 64 * 1024
"""The proxy looks at no more of an error page, in bytes."""


@dataclass(frozen=True, slots=True)
class Family:
    """What the chat template of a family of models demands."""

    ids: re.Pattern[str]
    """Matches the ids of the family's models."""
    strict_roles: bool = False
    """One system message, the first; no two user messages in a row; no `name`."""


_FAMILIES: Final = (
    Family(
        re.compile(
            r"mistral|devstral|magistral|ministral|codestral|pixtral|mixtral", re.IGNORECASE
        ),
        strict_roles=True,
    ),
)
_ANY: Final = Family(re.compile(""))


@dataclass(frozen=True, slots=True)
class Fault:
    """What an error body says, whichever of the four shapes it has."""

    message: str
    param: str | None = None


def fit_request(body: ChatRequest, drop_params: frozenset[str]) -> dict[str, object]:
    """`body` as Scaleway accepts it for the model it names."""
    fitted = {name: value for name, value in body.items() if name not in drop_params}
    family = next((each for each in _FAMILIES if each.ids.search(body["model"])), _ANY)
    messages = list(map(_fit_message, body["messages"]))
    if family.strict_roles:
        messages = _merge_users(_system_first(list(map(_without_name, messages))))
    fitted["messages"] = messages
    return fitted


def fit_chunk(chunk: SentChunk) -> SentChunk:
    """A reply's chunk with its reasoning under the one name that clients know."""
    for choice in chunk.get("choices") or ():
        delta = choice.get("delta") or {}
        if "reasoning" in delta:
            reasoning = delta.pop("reasoning")
            delta["reasoning_content"] = delta.get("reasoning_content") or reasoning
    return chunk


def read_fault(body: bytes) -> Fault:
    """The message of an error body: one of Scaleway's four JSON shapes, HTML or anything else."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        title = _HTML_TITLE.search(body[:_LONGEST_PAGE].decode("utf-8", "replace"))
        return Fault(title[1].strip() if title else "")
    return fault_in(document)


def fault_in(document: object) -> Fault:
    """The message of an error that is JSON, whichever shape it has."""
    if isinstance(document, list):
        return _validation_fault(document)
    if not isinstance(document, dict):
        return Fault("")
    error = document.get("error")
    if isinstance(error, dict):
        return _plain_fault(error)
    if isinstance(document.get("detail"), list):
        return _validation_fault(document["detail"])
    return _plain_fault({"message": error, **document})


def _plain_fault(error: Mapping[str, object]) -> Fault:
    message, param = error.get("message"), error.get("param")
    return Fault(
        message if isinstance(message, str) else "",
        param if isinstance(param, str) else None,
    )


def _validation_fault(errors: list[object]) -> Fault:
    """Pydantic's list of errors: `{loc: ["body", "tools", 0], msg, type}`."""
    lines = []
    params = []
    for error in errors:
        if isinstance(error, dict):
            place, said = error.get("loc"), error.get("msg")
            path = place if isinstance(place, list) else []
            params.append(".".join(str(part) for part in path if part != "body"))
            lines.append(": ".join(filter(None, [params[-1], str(said or "")])))
    return Fault("; ".join(lines), next(filter(None, params), None))


def _fit_message(message: Message) -> Message:
    """A message in the form that every model accepts.

    Qwen's templates, among others, know no developer role. Mistral's accept only tool-call ids of
    nine characters. All models accept those, so all get them: Scaleway redirects a model at the end
    of its life, perhaps to one of Mistral's, and says so only in the reply.
    """
    if message["role"] == "developer":
        message = {**message, "role": "system"}
    if message["role"] == "tool":
        return {**message, "tool_call_id": _nine_characters(message["tool_call_id"])}
    if calls := message.get("tool_calls"):
        return {**message, "tool_calls": [{**c, "id": _nine_characters(c["id"])} for c in calls]}
    return message


def _without_name(message: Message) -> Message:
    if "name" not in message or message["role"] == "tool":
        return message
    message = message.copy()
    del message["name"]
    return message


def _system_first(messages: list[Message]) -> list[Message]:
    system = [message for message in messages if message["role"] == "system"]
    if not system or (len(system) == 1 and messages[0] is system[0]):
        return messages
    text = "\n\n".join(text_of(message.get("content")) for message in system)
    others = [message for message in messages if message["role"] != "system"]
    return [{"role": "system", "content": text}, *others]


def _merge_users(messages: list[Message]) -> list[Message]:
    merged: list[Message] = []
    for role, run in itertools.groupby(messages, key=operator.itemgetter("role")):
        first, *others = run
        if role == "user" and others:
            contents = [each.get("content") for each in (first, *others)]
            merged.append({**first, "content": _join(contents)})
        else:
            merged += [first, *others]
    return merged


def _join(contents: list[Content]) -> Content:
    """Join contents: texts with a blank line between them, parts one after the other."""
    texts = []
    for each in contents:
        if not isinstance(each, str):
            break
        texts.append(each)
    text = "\n\n".join(texts)
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
