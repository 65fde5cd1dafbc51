"""What every client is asked, and what must be true of what it showed.

The stand-in for a model goes by rules, so what it says to each question is known. What a client
showed is a JSON object, whose keys depend on the check: see `programs/`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from tests.e2e.scenario import FACT

QUESTION: Final = "How many days of paid leave do employees have?"
LATER_FACT: Final = "Parental leave lasts sixteen weeks and is paid in full."
SEARCH_TOOLS: Final = ("lighton_search", "lighton_read")

Seen = Mapping[str, Any]
Verdict = Literal["passed", "failed", "not applicable", "not tried"]


@dataclass(frozen=True)
class Outcome:
    """What came of one check; `why` says it unless the check passed or was not tried."""

    verdict: Verdict
    why: str = ""


@dataclass(frozen=True)
class Heard:
    """What the stand-ins heard during one check."""

    searches: int = 0
    told: str = ""
    """The messages of the last request to the model, as JSON."""


@dataclass(frozen=True)
class Check:
    """A question, and what is wrong with what a client showed of the answer."""

    name: str
    title: str
    """Of its column in the table."""
    faults: Callable[[Seen], Iterator[str]]
    question: str = QUESTION
    searches: int | None = None
    """How often the proxy must search; None is any number of times."""
    told: tuple[str, ...] = ()
    """What the model must have been told when it gave the answer."""


def judged(check: Check, seen: Seen, heard: Heard, question: str) -> Outcome:
    """Judge what a client showed, and what the stand-ins heard meanwhile."""
    if "why_not" in seen:
        why_not = str(seen["why_not"])
        return Outcome("not applicable", why_not) if why_not else Outcome("not tried")
    faults = [*check.faults(seen)]
    if check.searches is not None and heard.searches != check.searches:
        faults.append(f"{heard.searches} searches for {question!r}, not {check.searches}")
    faults += [f"the model was not told {text!r}" for text in check.told if text not in heard.told]
    if faults:
        return Outcome("failed", "; ".join(faults))
    if check.name == "citations" and not seen["sources"]:
        return Outcome("not applicable", "it drops them; the text keeps [1]")
    return Outcome("passed")


def _answer(seen: Seen) -> Iterator[str]:
    text = str(seen.get("text"))
    if text.count(FACT) != 1:
        yield f"{FACT!r} is there {text.count(FACT)} times in {text!r}"
    yield from (f"{tool} is in {text!r}" for tool in SEARCH_TOOLS if tool in text)


def _stream(seen: Seen) -> Iterator[str]:
    pieces = seen["pieces"]
    if len(pieces) < 2:
        yield f"the text came in {len(pieces)} pieces"
    joined = "".join(pieces)
    yield from _answer({"text": joined})
    if seen.get("text", joined) != joined:
        yield f"the pieces make {joined!r}, and the whole is {seen['text']!r}"


def _tool(seen: Seen) -> Iterator[str]:
    if seen["calls"] != ["Paris"]:
        yield f"its tool was called for {seen['calls']}"
    yield from _answer(seen)
    if seen["text"].count("It is sunny in Paris.") != 1:
        yield f"the tool's result is not in {seen['text']!r}"


def _next_turn(seen: Seen) -> Iterator[str]:
    if str(seen["text"]).count(LATER_FACT) != 1:
        yield f"{LATER_FACT!r} is not in {seen['text']!r}"


def _citations(seen: Seen) -> Iterator[str]:
    yield from _answer(seen)
    for source in seen["sources"]:
        if not source["title"]:
            yield f"a source has no title: {source}"


def _error(seen: Seen) -> Iterator[str]:
    said = str(seen.get("error"))
    if "no-such-model" not in said:
        yield f"the error does not name the model: {said}"
    if seen.get("status", 404) != 404:
        yield f"the status is {seen['status']}"


def _file_search(seen: Seen) -> Iterator[str]:
    yield from _answer(seen)
    if not seen["found"]:
        yield "no results were shown"
    if not seen["sources"]:
        yield "no source was shown"


def _embeddings(seen: Seen) -> Iterator[str]:
    if "found" in seen:
        if seen["found"][:1] != [QUESTION]:
            yield f"it found {seen['found']}"
        return
    first, second = seen["vectors"]
    if len(first) < 2 or first != second:
        yield f"two equal texts have vectors of {len(first)} and {len(second)} numbers"


CHECKS: Final = (
    Check("answer", "Answer", _answer, searches=1),
    Check("stream", "Stream", _stream, searches=1),
    Check(
        "tool",
        "Own tool",
        _tool,
        question='Search the days of paid leave, then call get_weather for "Paris".',
        searches=1,
    ),
    Check(
        "next_turn",
        "Next turn",
        _next_turn,
        question="How long is parental leave?",
        told=(QUESTION, FACT),
    ),
    Check("citations", "Citations", _citations),
    Check("error", "Error", _error, searches=0),
    Check("file_search", "File search", _file_search),
    Check("embeddings", "Embeddings", _embeddings, searches=0),
)
