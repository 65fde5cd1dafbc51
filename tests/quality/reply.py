"""A reply of the proxy, streamed or not, as the judge sees it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Citation:
    """A marker that the proxy made a link of: characters `start` to `end` of the text."""

    title: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Reply:
    """`lighton` is the field of that name. `error` says what went wrong and is else empty."""

    text: str = ""
    citations: tuple[Citation, ...] = ()
    lighton: Mapping[str, Any] | None = None
    error: str = ""

    @classmethod
    def of_body(cls, body: Mapping[str, Any]) -> Self:
        """Read a chat completion."""
        message = body["choices"][0]["message"]
        citations = _citations(message.get("annotations"))
        return cls(message.get("content") or "", citations, body.get("lighton"))

    @classmethod
    def of_stream(cls, lines: Iterable[str]) -> Self:
        """Read the lines of a stream of events."""
        text: list[str] = []
        citations: list[Citation] = []
        lighton = None
        events = [line[5:].strip() for line in lines if line.startswith("data:")]
        for event in events:
            if event == "[DONE]":
                return cls("".join(text), tuple(citations), lighton)
            chunk = json.loads(event)
            if "error" in chunk:
                return cls("".join(text), tuple(citations), lighton, str(chunk["error"]))
            lighton = chunk.get("lighton") or lighton
            for choice in chunk.get("choices") or ():
                text.append(choice["delta"].get("content") or "")
                citations += _citations(choice["delta"].get("annotations"))
        return cls("".join(text), tuple(citations), lighton, "the stream ended early")

    @property
    def searches(self) -> list[Mapping[str, Any]]:
        return list((self.lighton or {}).get("searches") or ())

    @property
    def rounds(self) -> int:
        return int((self.lighton or {}).get("rounds") or 0)

    @property
    def found(self) -> set[str]:
        """The titles of all documents that the searches of this reply found."""
        return {
            result.get("title") or result.get("filename") or ""
            for search in self.searches
            for result in search.get("results") or ()
        }


def _citations(annotations: Iterable[Mapping[str, Any]] | None) -> tuple[Citation, ...]:
    cited = [each["url_citation"] for each in annotations or () if "url_citation" in each]
    return tuple(Citation(each["title"], each["start_index"], each["end_index"]) for each in cited)
