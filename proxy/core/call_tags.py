"""The markup that models put before, between and after tool calls.

Each tag is from a model's published chat template, or from the parser that vLLM, SGLang or
llama.cpp has for the model. DeepSeek's bars and underscores are signs of their own, which some
tools turn into the plain ones: all are read.
"""

from __future__ import annotations

import re
from typing import Final

_BARS: Final = ("|", "\uff5c")
_GAPS: Final = ("\u2581", "_", " ")

_WRAPPERS: Final = (
    *("<tool_call>", "<tool_calls>", "<tool>", "<tools>"),  # Hermes, Qwen, GLM
    *("<function_call>", "<function_calls>"),
    *("<minimax:tool_call>", "<seed:tool_call>"),
    *("<|tool_call|>", "<|tool_calls|>", "<|tool_call>"),  # Granite, Phi, Gemma
    "<|python_tag|>",  # Llama
    "[TOOL_CALLS]",  # Mistral
    *("<|START_ACTION|>", "<|action_start|>", "<|plugin|>"),  # Command, InternLM
    *("<|tool_calls_section_begin|>", "<|tool_call_begin|>"),  # Kimi
    *(f"<{bar}DSML{bar}{name}_calls>" for bar in _BARS for name in ("tool", "function")),
    *(f"<{b}tool{g}calls{g}begin{b}>" for b in _BARS for g in _GAPS),  # DeepSeek
    *(f"<{b}tool{g}call{g}begin{b}>" for b in _BARS for g in _GAPS),
    *(f"function<{b}tool{g}sep{b}>" for b in _BARS for g in _GAPS),
    *(f"<|channel|>{channel} to=" for channel in ("commentary", "analysis")),  # gpt-oss
    *(f"<|start|>assistant<|channel|>{name} to=" for name in ("commentary", "analysis")),
    "<|start|>assistant to=",
)
"""What begins a call, or a list of calls, before the call itself."""

_NAMING: Final = (
    *("<function=", "<function name="),  # Qwen-coder, Llama
    *("<invoke name=", *(f"<{bar}DSML{bar}invoke name=" for bar in _BARS)),  # MiniMax, DeepSeek
)
"""What begins a call whose name follows at once."""

_ENDS: Final = (
    *("</tool_call>", "</tool_calls>", "</tool>", "</tools>"),
    *("</function_call>", "</function_calls>"),
    *("</minimax:tool_call>", "</seed:tool_call>"),
    *("<|/tool_call|>", "<tool_call|>", "<|end_of_tool_call|>"),
    *("[/TOOL_CALLS]", "<|END_ACTION|>", "<|action_end|>"),
    *("<|tool_call_end|>", "<|tool_calls_section_end|>"),
    *(f"</{bar}DSML{bar}{name}_calls>" for bar in _BARS for name in ("tool", "function")),
    *(f"<{b}tool{g}call{g}end{b}>" for b in _BARS for g in _GAPS),
    *(f"<{b}tool{g}calls{g}end{b}>" for b in _BARS for g in _GAPS),
    *(f"<{b}end{g}of{g}sentence{b}>" for b in _BARS for g in _GAPS),
    *("<|call|>", "<|end|>", "<|eom_id|>", "<|eot_id|>", "<|im_end|>", "</s>"),
)

TAGS: Final = tuple(sorted(dict.fromkeys((*_WRAPPERS, *_NAMING)), key=len, reverse=True))
"""What may stand before the name of a call, longest first."""
TAGS_BY_HEAD: Final = {
    head: tuple(tag for tag in TAGS if tag.startswith(head)) for head in {tag[:2] for tag in TAGS}
}
"""The same by their first two characters."""

OPENING: Final = re.compile(r"[<\[{]|`+|~+")
"""What every call in text begins with. Text without it is text."""
FENCE: Final = re.compile(r"(?:`{3,}|~{3,})[^\n`~]{0,40}\n")
FENCE_BEGUN: Final = re.compile(r"(?:`{1,2}|~{1,2}|(?:`{3,}|~{3,})[^\n`~]{0,40})")

_MEANINGLESS: Final = re.compile(r"\s+|[;,]|```\w{0,20}|~~~\w{0,20}")
_AROUND: Final = tuple(sorted(dict.fromkeys((*_WRAPPERS, *_ENDS)), key=len, reverse=True))


def after_between(text: str, place: int) -> tuple[int, bool]:
    """Where what stands around and between calls ends, and whether a tag was in it."""
    has_tag = False
    while place < len(text):
        if blank := _MEANINGLESS.match(text, place):
            place = blank.end()
            continue
        tag = next((each for each in _AROUND if text.startswith(each, place)), "")
        if not tag:
            break
        has_tag, place = True, place + len(tag)
    return place, has_tag
