"""What every Python program here shares: it is told a check and a question, and says what it saw.

Each check is a function from the question to what the client showed, or a sentence that says why
the check does not apply to the client. An empty one, or none, says that it is not tried. An error
that nobody expects ends the program: whoever started it reads the end of stderr.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[str], Mapping[str, Any]] | str

UNKNOWN_MODEL = "no-such-model"
"""The model that every check of errors asks for."""


def play(**checks: Check) -> None:
    """Run the checks that stdin names, one JSON line each, and print a JSON line for each."""
    for line in sys.stdin:
        told = json.loads(line)
        check = checks.get(told["check"], "")
        seen = {"why_not": check} if isinstance(check, str) else check(told["question"])
        print(f"seen: {json.dumps(seen)}", flush=True)  # noqa: T201 - how it says it


FIRST = "How many days of paid leave do employees have?"
"""What is asked and answered before the question of the check of a next turn."""


class Weather:
    """The client's own tool, and what it was called with."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def get_weather(self, city: str) -> str:
        """The weather in a city."""
        self.calls.append(city)
        return f"It is sunny in {city}."


GET_WEATHER: Any = {
    "name": "get_weather",
    "description": "The weather in a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}
"""The same tool, as a model is told of it."""


def sources(annotations: Any) -> list[dict[str, str]]:
    """Title and address of each annotation, whether it is an object or a dict, on either route."""
    return [_source(each) for each in annotations or []]


def _source(annotation: Any) -> dict[str, str]:
    said = annotation if isinstance(annotation, dict) else annotation.model_dump()
    said = said.get("url_citation") or said
    return {"title": said.get("title") or said.get("filename"), "url": said.get("url")}
