"""Prompts that chat interfaces send on their own: titles, tags, follow-ups.

Open WebUI's begin with `### Task:`, ask for JSON with one key, and hold the chat between
`<chat_history>` tags, except the one for an emoji; others ask for a short title in words.
"""

import json
import re
from typing import Any

_EMOJI_TASK = "Your task is to reflect the speaker's likely facial expression"
_TASK = re.compile(
    r"\s*(?:### Task:|(?:please )?(?:generate|create|provide) a (?:concise|short|brief)\b"
    rf"|Analyze this conversation and provide:|{_EMOJI_TASK})",
    re.IGNORECASE,
)
_HISTORY = re.compile(r"<chat_history>(.*?)</chat_history>", re.DOTALL)
_USER_LINE = re.compile(r"^USER:\s*(.+)$", re.MULTILINE)
_TITLE_WORDS = 5
_DEFAULT_TITLE = "Conversation"
_EMOJI = "\N{SLIGHTLY SMILING FACE}"


def asks_for_housekeeping(question: str) -> bool:
    return _TASK.match(question) is not None


def housekeeping_reply(prompt: str) -> str:
    if _EMOJI_TASK in prompt:
        return _EMOJI
    title = _title(prompt)
    replies: dict[str, Any] = {
        "title": title,
        "tags": ["Sandbox"],
        "follow_ups": [f"Tell me more about: {title}"],
        "queries": [title],
    }
    for key, value in replies.items():
        if f'"{key}"' in prompt:
            return json.dumps({key: value}, ensure_ascii=False)
    return title


def _title(prompt: str) -> str:
    """Make a title of the first words that the user wrote in the chat."""
    history = _HISTORY.search(prompt)
    said = _USER_LINE.search(history[1]) if history else None
    words = said[1].split() if said else [_DEFAULT_TITLE]
    return " ".join(words[:_TITLE_WORDS]).rstrip("?!.,;:")
