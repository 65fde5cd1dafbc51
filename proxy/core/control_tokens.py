"""Control tokens: what a chat template or a tokenizer reads as structure, and not as text.

A server that tokenizes a prompt as one string takes such a token from a document for its own. The
table lists them by model family. Each is made inert by its first character, which becomes one that
looks alike. Drop unseen text first (`proxy.core.unseen`): it could stand inside a token.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

INERT: Final = {"<": "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}", "[": "⟦"}
"""What stands for the first character of a token."""


class Family(NamedTuple):
    """The tokens of the models that share a template. In square brackets, case counts."""

    source: str
    tags: tuple[str, ...] = ()
    """`<name>`, `</name>` and `<name with="attributes">`."""
    numbered: tuple[str, ...] = ()
    """`<name12>`."""
    assigned: tuple[str, ...] = ()
    """`<name=value>` and `</name>`."""
    square: tuple[str, ...] = ()
    """`[NAME]` and `[/NAME]`; `[args]` is ordinary text."""


FAMILIES: Final = (
    Family(
        source="Mistral: mistral-common, SpecialTokens and SPECIAL_TOKEN_TEMPLATE",
        tags=("unk", "s", "pad"),
        numbered=("special_",),
        square=(
            *("INST", "SYSTEM_PROMPT", "MODEL_SETTINGS", "THINK", "PREFIX", "MIDDLE", "SUFFIX"),
            *("AVAILABLE_TOOLS", "TOOL_CALLS", "TOOL_RESULTS", "TOOL_CONTENT", "CALL_ID", "ARGS"),
            *("IMG", "IMG_BREAK", "IMG_END", "AUDIO", "BEGIN_AUDIO", "OUTPUT_AUDIO", "TRANSCRIBE"),
            *("STREAMING_PAD", "STREAMING_WORD", "NEXT_AUDIO_TEXT", "REPEAT_AUDIO_TEXT"),
        ),
    ),
    Family(
        source="Gemma 1 to 3n: tokenizer_config.json, added_tokens_decoder",
        tags=(
            *("bos", "eos", "pad", "unk", "mask", "2mass", "start_of_turn", "end_of_turn"),
            *("start_of_image", "end_of_image", "image_soft_token"),
            *("start_of_audio", "end_of_audio", "audio_soft_token"),
        ),
        numbered=("unused",),
        square=("@BOS@", "multimodal"),
    ),
    Family(
        source="Qwen 2.5, 3 and 3-Coder, Hermes: chat_template of tokenizer_config.json",
        tags=("think", "tools", "tool_call", "tool_calls", "tool_response"),
        assigned=("function", "parameter"),
    ),
    Family(
        source="GLM 4.5: chat_template, whose prompts begin with [gMASK]",
        tags=("sop", "eop", "arg_key", "arg_value"),
        square=("gMASK", "sMASK", "MASK"),
    ),
    Family(
        source="DeepSeek V3.1 and others that call functions in tags",
        tags=("function_call", "function_calls", "invoke"),
    ),
)

_ANGLED: Final = re.compile(
    r"<(?="
    # Llama 3 and 4 <|eot_id|>, <|python_tag|>; Qwen <|im_start|>, <|vision_start|>; gpt-oss
    # (harmony) <|channel|>; Gemma 4 <|turn>, <|image|>; Kimi, GLM, Phi, Granite, Command R; those
    # of DeepSeek have a full-width bar. So all that has a bar behind the bracket counts.
    r"[|\uff5c]"
    r"|</?SYS>>"  # Llama 2
    r"|(?P<close>/?)(?P<name>\w{1,40})"
    r"(?:(?P<bar>[|\uff5c]>)|(?P<is>=)|\b[^<>]{0,200}>))",  # <turn|>, <function=f>, <think>
    re.IGNORECASE,
)
_SQUARED: Final = re.compile(r"\[(?=/?(?P<name>@?\w{1,30}@?)\])", re.ASCII)
"""Two patterns, because one that can begin in two ways is sought ten times as slowly."""
_TAGS: Final = frozenset(name for family in FAMILIES for name in family.tags)
_NUMBERED: Final = frozenset(name for family in FAMILIES for name in family.numbered)
_ASSIGNED: Final = frozenset(name for family in FAMILIES for name in family.assigned)
_NAMES: Final = frozenset(name for family in FAMILIES for name in family.square)
_DIGITS: Final = "0123456789"


def defuse_tokens(text: str) -> str:
    """`text` with every control token spelt inertly; nothing else changes."""
    if "<" in text:
        text = _ANGLED.sub(_angled, text)
    return _SQUARED.sub(_squared, text) if "[" in text else text


def _angled(match: re.Match[str]) -> str:
    return INERT["<"] if _is_token(match) else match[0]


def _is_token(match: re.Match[str]) -> bool:
    if match["name"] is None or match["bar"]:
        return True
    name = match["name"].lower()
    if match["is"] or (match["close"] and name in _ASSIGNED):
        return name in _ASSIGNED
    return name in _TAGS or (name[-1] in _DIGITS and name.rstrip(_DIGITS) in _NUMBERED)


def _squared(match: re.Match[str]) -> str:
    name = match["name"]
    is_token = name in _NAMES or (name[-1] in _DIGITS and name.rstrip(_DIGITS) == "control_")
    return INERT["["] if is_token else match[0]
