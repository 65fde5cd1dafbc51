"""The proxy's instructions to the model about searching and citing, and their place."""

from __future__ import annotations

from typing import Final

from proxy.core.names import SEARCH_TOOL
from proxy.core.wire import Content, Message

SEARCHING: Final = (
    f"You can search the organisation's documents with the {SEARCH_TOOL} tool. Search before "
    "you answer anything that may depend on those documents; do not search for small talk or for "
    "what the conversation already answers. If the passages do not hold the answer, say so."
)
"""In the system message, where the model has the search tool."""
CONTEXT: Final = (
    "Answer only from the passages below, which were found in the organisation's documents. If "
    "they do not hold enough to answer, say so. Greetings, thanks and questions about this "
    "conversation need no passages: answer those as usual."
)
"""Before the passages of a search that the proxy ran first."""
CITING: Final = (
    "Answer in full sentences. Right after each statement, put the bare number of the passage that "
    "supports it, its n, in square brackets. Cite only passages that you were shown."
)
"""After passages, wherever they stand. It holds no number: a small model would copy it."""
NOTHING: Final = (
    "Nothing was found in the organisation's documents. If the answer depends on them, say "
    "briefly, in the user's language, that they hold nothing on it, and do not guess."
)
"""In the place of passages, where a search found none."""
OWN_KNOWLEDGE: Final = (
    "Nothing was found in the organisation's documents. You may answer from general knowledge. If "
    "you do, begin by saying so, in the user's language."
)
"""The same, where the model may answer all the same."""
NO_MORE_SEARCHES: Final = "No further searches are possible. Answer now from what you have."


def add_to_system(messages: list[Message], text: str) -> list[Message]:
    """`messages` with `text` at the end of the client's system message, or as a new first one."""
    if not text:
        return messages
    if messages and messages[0]["role"] in ("system", "developer"):
        first: Message = {**messages[0], "content": _append(messages[0].get("content"), text)}
        return [first, *messages[1:]]
    return [{"role": "system", "content": text}, *messages]


def _append(content: Content, text: str) -> Content:
    if isinstance(content, list):
        return [*content, {"type": "text", "text": text}]
    return f"{content}\n\n{text}" if content else text
