"""Chores: short requests that chat front-ends send by themselves, for titles, tags and the like.

They use the same model as the user's questions, so the proxy knows them by their wording. It runs
no search for them, and the model is offered none. The openings are those of Open WebUI (config.py,
*_PROMPT_TEMPLATE), LibreChat (agents, utils/title.ts; api, OpenAIClient.js and summaryPrompts.js),
LobeChat, Cherry Studio, Chatbox and NextChat, current and of the last two years.
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
    "Summarize the conversation by integrating new lines into the current summary.",
    "# Current Chat:\n\n",
    "Based on the chat history, give this conversation a name.",
)
_SYSTEM_OPENINGS: Final = (
    "You are a professional conversation summarizer. Generate a concise title",
    "You are an assistant skilled in conversation. You need to summarize the user's conversation",
)
"""How the system message of a title begins whose user message is the conversation alone."""
_CLOSINGS: Final = (
    "Please generate a four to five word title summarizing our conversation without",
    "Summarize the discussion briefly in 200 words or less to use as a prompt for future context",
)
"""How the last message of a whole conversation begins that is a chore about it."""
_TOOL_PICKING: Final = ("Available Tools: ", "choose and return the correct tool(s)")
"""The beginning and a later part of a system message that has a model pick a tool in text."""


def is_chore(messages: list[Message]) -> bool:
    """Whether this is a front-end's own request, which opens like a chore.

    It is one user message, a system message alone, or the last one of a conversation.
    """
    *before, asked = messages
    if asked["role"] not in ("user", *_SYSTEM_ROLES):
        return False
    text = _text(asked)
    if text.startswith(_CLOSINGS):
        return True
    if any(each["role"] not in _SYSTEM_ROLES for each in before):
        return False
    if asked["role"] != "user":
        return not before and text.startswith(_OPENINGS)
    if text.startswith("### Task:") and "<chat_history>" in text:
        return True
    return text.startswith(_OPENINGS) or any(map(_sets_chore, before))


def _sets_chore(system: Message) -> bool:
    opening, task = _TOOL_PICKING
    text = _text(system)
    return text.startswith(_SYSTEM_OPENINGS) or (text.startswith(opening) and task in text)


def _text(message: Message) -> str:
    return text_of(message.get("content")).lstrip().replace("\r\n", "\n")
