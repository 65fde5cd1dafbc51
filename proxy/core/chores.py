"""Chores: short requests that chat front-ends send by themselves, for titles, tags and the like.

They use the same model as the user's questions, so the proxy knows them by their wording. It runs
no search for them, and the model is offered none. The openings are those of Open WebUI (config.py,
*_PROMPT_TEMPLATE) and LibreChat (agents, utils/title.ts), current and of the last two years.
"""

from __future__ import annotations

from typing import Final

from proxy.core.chat import text_of
from proxy.core.wire import Message

_SYSTEM_ROLES: Final = ("system", "developer")
_OPENINGS: Final = (
    "### Task:\nGenerate a concise",
    "### Task:\nGenerate 1-3 broad tags",
    "### Task:\nSuggest 3-5 relevant follow-up",
    "### Task:\nAnalyze the chat history to determine",
    "### Task:\nGenerate a detailed prompt for",
    "### Task:\nYou are an autocompletion system.",
    "Your task is to reflect the speaker's likely facial expression",
    "Create a concise, 3-5 word phrase",
    "Provide a concise, 5-word-or-less title for the conversation",
    "Please generate a concise title (max 40 characters)",
    "Please generate a concise, 5-word-or-less title for the conversation",
    "Detect user language and write in the same language an extremely concise title",
    "Analyze this conversation and provide:\n1. The detected language",
    "You have been provided with a set of responses from various models to the latest user query",
)
_TOOL_PICKING: Final = ("Available Tools: ", "choose and return the correct tool(s)")
"""The beginning and a later part of a system message that has a model pick a tool in text."""


def is_chore(messages: list[Message]) -> bool:
    """Whether this is a front-end's own request: one user message that opens like a chore."""
    *system, asked = messages
    if asked["role"] != "user" or any(each["role"] not in _SYSTEM_ROLES for each in system):
        return False
    text = text_of(asked.get("content")).lstrip()
    if text.startswith("### Task:") and "<chat_history>" in text:
        return True
    return text.startswith(_OPENINGS) or any(map(_picks_tool, system))


def _picks_tool(message: Message) -> bool:
    opening, task = _TOOL_PICKING
    text = text_of(message.get("content"))
    return text.startswith(opening) and task in text
