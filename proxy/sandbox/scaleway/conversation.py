"""The parts of a chat request that the stand-in model uses."""

import re
from dataclasses import dataclass

from proxy.sandbox.documents.sentences import Passage, find_passages, question_terms, terms
from proxy.sandbox.scaleway.arguments import position
from proxy.sandbox.scaleway.chat_request import ChatRequest, Message, Tool

SEARCH_TOOL = "lighton_search"
READ_TOOL = "lighton_read"
NOTHING_FOUND = "No results found."
"""The text of a search without results, by LightOn's guides."""
SEARCH_FAILED = "The search is unavailable"
"""How the proxy begins to tell a model that a search failed."""

_OF_PROXY = (SEARCH_TOOL, READ_TOOL)
_GREETING = terms(
    "hello hi hey greetings good morning afternoon evening there thanks thank bye ok okay yes "
    "bonjour salut bonsoir merci hallo guten tag morgen danke"
)


_FOUND_FIRST = re.compile(r"<(?P<kind>note|passage)-\w+[ >].*?</(?P=kind)-", re.DOTALL)
_END_OF_FOUND = re.compile(r"</(?:note|passage)-\w+>")


@dataclass(frozen=True, slots=True)
class Conversation:
    question: str
    """The text of the user's last message."""
    tools: dict[str, Tool]
    named: tuple[str, ...]
    """The tools but the search that the question names, in its order."""
    called: dict[str, str]
    """The calls since the question: id to tool name."""
    client_results: tuple[tuple[str, str], ...]
    """The results of the client's tools since the question: tool name and text."""
    search_results: tuple[str, ...]
    """The results of the search tool, what the proxy put before the question, and a system message
    that says that there were none."""
    passages: tuple[Passage, ...]
    """The passages of system and tool messages, and those that were put before questions."""

    @classmethod
    def of(cls, request: ChatRequest) -> "Conversation":
        asked, since = _last_turn(request.messages)
        found, question = _parted(asked)
        tools = {tool.name: tool for tool in request.tools or ()}
        called = {call.id: call.function.name for each in since for call in each.calls}
        results = [
            (called.get(each.tool_call_id or "", "?"), each.text)
            for each in since
            if each.role == "tool"
        ]
        told = [each.text for each in request.messages if each.is_system]
        before = [_parted(each.text)[0] for each in request.messages if each.role == "user"]
        tools_said = [each.text for each in request.messages if each.role == "tool"]
        return cls(
            question=question,
            tools=tools,
            named=_named(question, tools),
            called=called,
            client_results=tuple(each for each in results if each[0] not in _OF_PROXY),
            search_results=(
                *(text for text in told if NOTHING_FOUND in text or SEARCH_FAILED in text),
                *filter(None, (found,)),
                *(text for name, text in results if name == SEARCH_TOOL),
            ),
            passages=tuple(find_passages([*told, *before, *tools_said])),
        )

    @property
    def search_failed(self) -> bool:
        return bool(self.search_results) and SEARCH_FAILED in self.search_results[-1]

    @property
    def is_small_talk(self) -> bool:
        """Whether the question has no word to search for, or only those of a greeting."""
        return question_terms(self.question) <= _GREETING

    def uncalled(self, name: str) -> bool:
        return name not in self.called.values()

    def mentions(self, name: str) -> bool:
        return position(self.question, name) is not None


def _parted(text: str) -> tuple[str, str]:
    """What the proxy has put before a user's own text, and that text."""
    if not _FOUND_FIRST.match(text):
        return "", text.strip()
    end = max(mark.end() for mark in _END_OF_FOUND.finditer(text))
    return text[:end], text[end:].strip()


def _last_turn(messages: tuple[Message, ...]) -> tuple[str, tuple[Message, ...]]:
    """Return the user's last message and what came after it."""
    for place in reversed(range(len(messages))):
        if messages[place].role == "user":
            return messages[place].text.strip(), messages[place + 1 :]
    return "", messages


def _named(question: str, tools: dict[str, Tool]) -> tuple[str, ...]:
    places = {name: position(question, name) for name in tools if name != SEARCH_TOOL}
    found = {name: place for name, place in places.items() if place is not None}
    return tuple(sorted(found, key=found.__getitem__))
