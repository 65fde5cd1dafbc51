"""The parts of a message or of a tool's result: read from a request, and written for a model.

A role decides what its texts are called: clients send `input_text` in an assistant's message, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, cast

from proxy.core.chat import MAX_PARTS
from proxy.core.checks import check_length, check_type, check_types
from proxy.core.responses.wire import Annotation, InputImage, OutputText, Part, Refusal
from proxy.core.wire import Content, TokenLogprob
from proxy.core.wire import Part as ChatPart
from proxy.errors import BadRequest

Voice = Literal["input", "output"]
"""Whether the model reads the parts, or has written them."""

_LONGEST_SHOWN: Final = 80
_TEXTS: Final = ("input_text", "output_text", "text")
_READ: Final[Mapping[Voice, str]] = {
    "input": "input_text and input_image",
    "output": "output_text and refusal",
}


def read_content(content: object, param: str, voice: Voice) -> list[Part]:
    """The parts of a content, which is a string or a list of parts."""
    check_type(param, content, (str, list))
    if isinstance(content, str):
        return [_text({"text": content}, voice)]
    if not isinstance(content, list):
        raise BadRequest(f"'{param}' must be a string or an array.", param=param)
    check_length(param, content, MAX_PARTS)
    return [_part(each, f"{param}[{place}]", voice) for place, each in enumerate(content)]


def _part(part: object, param: str, voice: Voice) -> Part:
    if not isinstance(part, dict):
        raise BadRequest(f"'{param}' must be an object.", param=param)
    kind = part.get("type")
    if kind in _TEXTS:
        _need_string(part, param, "text")
        return _text(part, voice)
    if kind == "refusal" and voice == "output":
        _need_string(part, param, "refusal")
        return Refusal(type="refusal", refusal=part["refusal"])
    if kind == "input_image" and voice == "input":
        return _image(part, param)
    raise _unknown(kind, param, voice)


def _unknown(kind: object, param: str, voice: Voice) -> BadRequest:
    if kind == "input_file":
        return BadRequest(
            f"'{param}' is an input_file, and files are not read here. Send its text as an "
            "input_text, or put the file into a workspace that is searched.",
            param=f"{param}.type",
        )
    shown = kind[:_LONGEST_SHOWN] if isinstance(kind, str) else "missing"
    return BadRequest(
        f"'{param}.type' is {shown}. Here it may be {_READ[voice]}.", param=f"{param}.type"
    )


def _text(part: Mapping[str, object], voice: Voice) -> Part:
    text = cast("str", part["text"])
    if voice == "input":
        return {"type": "input_text", "text": text}
    annotations = part.get("annotations")
    given = annotations if isinstance(annotations, list) else []
    said: OutputText = {
        "type": "output_text",
        "text": text,
        "annotations": [cast("Annotation", each) for each in given if isinstance(each, dict)],
    }
    logprobs = part.get("logprobs")
    if isinstance(logprobs, list):
        said["logprobs"] = cast("list[TokenLogprob]", logprobs)
    return said


def _image(part: Mapping[str, object], param: str) -> InputImage:
    check_types(f"{param}.", part, {"image_url": (str,), "detail": (str,)})
    if part.get("file_id") is not None:
        raise BadRequest(
            f"'{param}.file_id' names a file, and none are kept here. Send the image itself in "
            "'image_url', as a data: URL.",
            param=f"{param}.file_id",
        )
    _need_string(part, param, "image_url")
    return InputImage(
        type="input_image",
        image_url=cast("str", part["image_url"]),
        detail=cast("str", part.get("detail")) or "auto",
    )


def _need_string(part: Mapping[str, object], param: str, name: str) -> None:
    if not isinstance(part.get(name), str):
        raise BadRequest(f"'{param}.{name}' must be a string.", param=f"{param}.{name}")


def chat_content(content: str | Sequence[Part]) -> Content:
    """A content as a chat message has it. One text alone is a string, as most clients send it."""
    if isinstance(content, str):
        return content
    parts = [_chat_part(each) for each in content]
    is_text = len(parts) == 1 and parts[0].get("type") == "text"
    return parts[0]["text"] if is_text else parts


def joined(contents: Iterable[Content]) -> Content:
    """The contents of messages that are one message in a chat, with blank lines between texts."""
    known = [each for each in contents if each]
    if all(isinstance(each, str) for each in known):
        return "\n\n".join(cast("list[str]", known)) or None
    return [part for each in known for part in _as_parts(each)]


def _as_parts(content: Content) -> list[ChatPart]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content or []


def _chat_part(part: Part) -> ChatPart:
    if part["type"] == "input_image":
        shown = {"url": part["image_url"], "detail": part["detail"]}
        return cast("ChatPart", {"type": "image_url", "image_url": shown})
    if part["type"] == "refusal":
        return cast("ChatPart", {"type": "refusal", "refusal": part["refusal"]})
    return {"type": "text", "text": part["text"]}
