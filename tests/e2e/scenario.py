"""What every client's agent is asked to do through the proxy, and what must be true afterwards.

The agent has two local tools. In the first turn the stand-in model searches and calls both, in the
second it calls one again, in the third it only searches. The stand-in answers by rules, so what
each turn says is known.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from proxy.sandbox.faults import Faults
from tests.support.history import check_history

MODEL = "llama-3.3-70b-instruct"
MODELS = (
    MODEL,
    "gemma-4-26b-a4b-it",  # one call a turn: a hidden search round comes before the client's tools
    "gpt-oss-120b",  # reasons
    "mistral-medium-3.5-128b",  # says a sentence before it calls; ids of nine characters
)

FACT = "Employees have 27 days of paid leave in a calendar year. [1]"
SEARCH_TOOL = "lighton_search"
_MARKER = re.compile(r"\[\d+\]")
MOST_REQUESTS = 10
"""After so many requests for one user's turn, an agent gives up."""


@dataclass(frozen=True)
class Turn:
    """One turn of the user's, and what must come of it."""

    question: str
    calls: tuple[tuple[str, dict[str, str]], ...]
    """The client's tools that run, in order, with their arguments."""
    said: tuple[str, ...]
    """What the answer holds."""
    searches: int
    """How many searches were run since the conversation began."""


TURNS = (
    Turn(
        "Search the days of paid leave, then call get_weather for Paris and get_time for Tokyo.",
        (("get_weather", {"city": "Paris"}), ("get_time", {"city": "Tokyo"})),
        ("It is sunny in Paris.", "It is noon in Tokyo.", FACT),
        searches=1,
    ),
    Turn(
        "Now call get_time for Oslo.",
        (("get_time", {"city": "Oslo"}),),
        ("It is noon in Oslo.",),
        searches=1,
    ),
    Turn(
        "How many days of paid leave do employees have?",
        (),
        (FACT,),
        searches=2,
    ),
)
RESULTS = {"get_weather": "It is sunny in {city}.", "get_time": "It is noon in {city}."}
"""What the tools return; the arguments are put in."""


def _tool(name: str, description: str) -> dict[str, Any]:
    parameters = {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    }
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


TOOLS: Any = [
    _tool("get_weather", "The weather in a city"),
    _tool("get_time", "The local time in a city"),
]


class LocalTools:
    """The client's tools, and what they were called with."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, str]]] = []

    def run(self, name: str, arguments: str) -> str:
        """Run a tool as a client does, with arguments as the model wrote them."""
        return self.call(name, json.loads(arguments))

    def call(self, name: str, arguments: dict[str, str]) -> str:
        self.calls.append((name, arguments))
        return RESULTS[name].format(**arguments)

    def take_calls(self) -> tuple[tuple[str, dict[str, str]], ...]:
        """Return the calls since the last time."""
        taken, self.calls = tuple(self.calls), []
        return taken


class Sandbox(Protocol):
    """The stand-ins, serving `documents/`: see conftest."""

    url: str
    faults: Faults


def histories(sandbox: Sandbox) -> list[list[dict[str, Any]]]:
    """Return the messages of every request to the model since the log was cleared."""
    requests = sandbox.faults.requests.all("scaleway", "/chat/completions")
    return [request.body["messages"] for request in requests]


def count_searches(sandbox: Sandbox) -> int:
    return len(sandbox.faults.requests.all("lighton", "/search"))


def check_requests(sandbox: Sandbox, *, searches: int) -> None:
    """Check what the stand-ins were sent: sound histories, and so many searches."""
    sent = histories(sandbox)
    assert sent, "the model was never asked"
    for history in sent:
        check_history(history)
    ran = count_searches(sandbox)
    assert ran == searches, f"{ran} searches were run, not {searches}"


def check_answer(turn: Turn, content: str) -> None:
    for text in turn.said:
        times = content.count(text)
        assert times == 1, f"{text!r} is there {times} times in {content!r}"


def check_citations(content: str, annotations: Sequence[Mapping[str, Any]]) -> None:
    """Check that the annotations point to every `[n]` of the text and to nothing else, in order."""
    citations = [annotation["url_citation"] for annotation in annotations]
    marked = [(each["start_index"], each["end_index"]) for each in citations]
    markers = [marker.span() for marker in _MARKER.finditer(content)]
    assert marked == markers, f"citations at {marked}, but markers at {markers} in {content!r}"
    assert all(each["url"] and each["title"] for each in citations), citations


def check_hidden(reply: Mapping[str, Any]) -> None:
    """Check that a completion or chunk does not name the search tool; what a model thinks may."""
    for choice in reply["choices"]:
        said = {**(choice.get("message") or choice["delta"]), "reasoning_content": None}
        assert SEARCH_TOOL not in json.dumps(said), f"the client heard of the search tool: {said}"
