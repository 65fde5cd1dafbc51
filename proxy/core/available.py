"""The hidden tools of one request: those that its profile has."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from proxy.core.chat import Chat, refuse_allowed
from proxy.core.hidden import HiddenTool


def available(
    tools: Sequence[HiddenTool], chat: Chat, *, absent: AbstractSet[str]
) -> tuple[HiddenTool, ...]:
    """`tools` without those that are `absent`, which then are nobody's.

    The request was read before its profile was known. Raises BadRequest if it allows such a tool.
    """
    if chat.tool_choice is not None:
        refuse_allowed(chat.tool_choice.allowed & absent, chat.tool_choice.allowed_in)
    return tuple(tool for tool in tools if tool.name not in absent)
