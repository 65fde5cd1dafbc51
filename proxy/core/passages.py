"""Passages: search results, numbered across one request and written out for the model.

A passage is quoted text of a document that anybody may have written. It is fenced. What nobody sees
in it is dropped, and whatever looks like a fence, like a chat template's control token, like a tool
call or like a citation is made harmless, so that it cannot pass for another passage, for
instructions or for what the model itself says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from typing_extensions import TypedDict

from proxy.core.control_tokens import defuse_tokens
from proxy.core.fence import Fence, defuse_marks
from proxy.core.quoted_numbers import defuse_numbers
from proxy.core.unseen import drop_unseen

NO_RESULTS: Final = "No results found."

_SHORTEST_CUT: Final = 200
"""A passage is cut to what the budget leaves, but not to fewer characters than this."""

_LONGEST_TITLE: Final = 300

_UNFIT_FOR_ATTRIBUTE: Final = re.compile(r"[\x00-\x1f\x7f\"<>]+")


class Result(NamedTuple):
    """One search result. `content` is None for an image of a page; `url` is never empty."""

    chunk_id: str
    content: str | None
    score: float | None
    file_id: int | None
    title: str | None
    filename: str | None
    url: str
    page_start: int | None = None
    page_end: int | None = None

    @property
    def name(self) -> str:
        """What a reader knows the document by: stored filenames are made unique by the server."""
        return self.title or self.filename or f"file {self.file_id}"


class PassageTrace(TypedDict):
    """How the reply's report shows a result."""

    n: int | None
    """The number in the answer's text of what is cited; null if it is not cited."""
    passage: int
    """The number under which the model was shown it."""
    chunk_id: str
    file_id: int | None
    title: str | None
    filename: str | None
    page_start: int | None
    page_end: int | None
    score: float | None
    url: str


class Passage(NamedTuple):
    """A result with its number and the text that the model is shown.

    `text` is "" once it has been shown, and the result has no content: that is in the messages.
    """

    n: int
    result: Result
    text: str = ""

    def render(self, fence: Fence) -> str:
        """The passage between its fences, with what the model needs to name its source."""
        result = self.result
        attributes = [f'n="{self.n}"', f'title="{_attribute(result.name)}"']
        if result.page_start is not None:
            attributes.append(f'page="{pages_of(result)}"')
        return fence.passage(" ".join(attributes), self.text)

    def as_trace(self) -> PassageTrace:
        """The passage for the report, as yet uncited."""
        result = self.result
        return {
            "n": None,
            "passage": self.n,
            "chunk_id": result.chunk_id,
            "file_id": result.file_id,
            "title": result.title,
            "filename": result.filename,
            "page_start": result.page_start,
            "page_end": result.page_end,
            "score": result.score,
            "url": result.url,
        }


@dataclass(frozen=True, slots=True)
class Listing:
    """What one search brought: passages new to the model, and ones it has been shown before."""

    new: tuple[Passage, ...] = ()
    known: tuple[Passage, ...] = ()
    left_out: int = 0
    """Results for which the character budget had no room."""
    notes: tuple[str, ...] = ()
    """What else the model is told of them."""

    @property
    def passages(self) -> tuple[Passage, ...]:
        return tuple(sorted((*self.new, *self.known), key=lambda passage: passage.n))

    def render(self, fence: Fence) -> str:
        """The listing as the model reads it: passages with a blank line between them, and notes."""
        passages = (passage.render(fence) for passage in self.new)
        return "\n\n".join((*passages, *map(fence.note, self._notes())))

    def refer(self) -> str:
        """The listing for a model that has read it before, as a note without its marks."""
        if not self.passages:
            return "\n\n".join(self._notes())
        return f"It found {_numbers(self.passages)}, shown above."

    def _notes(self) -> list[str]:
        notes = list(self.notes)
        if self.known:
            notes.append(f"Also found, shown before: {_numbers(self.known)}.")
        if self.left_out:
            notes.append(f"{self.left_out} more left out: the space for passages is used up.")
        return notes if notes or self.new else [NO_RESULTS]


class PassageBook:
    """Numbers the passages of one answer, each chunk once, within a budget of characters."""

    def __init__(self, budget: int) -> None:
        self._left = budget
        self._passages: dict[str, Passage] = {}
        self.passages: dict[int, Passage] = {}
        """All passages the model was shown, by number."""
        self._recalled: set[str] = set()
        self.last_number = 0

    @property
    def new(self) -> tuple[Passage, ...]:
        """The passages that were found in this request."""
        found = self._passages.items()
        return tuple(passage for chunk, passage in found if chunk not in self._recalled)

    @property
    def is_full(self) -> bool:
        """Whether there is no room for another passage."""
        return self._left < _SHORTEST_CUT

    def recall(self, passages: Sequence[Passage], *, last_number: int, chars: int) -> bool:
        """Take in passages of an earlier request, under the numbers they had.

        They take `chars` of the budget. Numbering goes on after `last_number`. False, and nothing
        is taken in, if a number or a chunk is known as another one.
        """
        for passage in passages:
            known = self._passages.get(passage.result.chunk_id) or self.passages.get(passage.n)
            if known and (known.n, known.result.chunk_id) != (passage.n, passage.result.chunk_id):
                return False
        self._left = max(0, self._left - chars)
        self.last_number = max(self.last_number, last_number)
        for passage in passages:
            self._take_in(passage)
            self._recalled.add(passage.result.chunk_id)
        return True

    def number_above(self, number: int) -> None:
        """Give the next passages numbers above this one, too."""
        self.last_number = max(self.last_number, number)

    def add(self, results: Iterable[Result]) -> Listing:
        """Take in the results of a search; new ones without text are skipped."""
        new: list[Passage] = []
        known: list[Passage] = []
        listed: set[str] = set()
        left_out = 0
        for result in results:
            content = drop_unseen(result.content or "").strip()
            if seen := self._passages.get(result.chunk_id):
                if result.chunk_id not in listed:
                    known.append(seen)
            elif not content:
                continue
            elif passage := self._admit(result, content):
                new.append(passage)
            else:
                left_out += 1
                continue
            listed.add(result.chunk_id)
        return Listing(tuple(new), tuple(known), left_out)

    def shown(self, listing: Listing) -> Listing:
        """The listing once the model has been shown it: none of its passages is new any more."""
        known = tuple(self._passages[each.result.chunk_id] for each in listing.passages)
        return replace(listing, new=(), known=known)

    def _take_in(self, passage: Passage) -> None:
        if passage.result.chunk_id not in self._passages:
            self._passages[passage.result.chunk_id] = self.passages[passage.n] = passage

    def _admit(self, result: Result, content: str) -> Passage | None:
        text = harmless(content[: self._left + 1])
        if len(text) > self._left:
            if self._left < _SHORTEST_CUT:
                return None
            text = text[: self._left - 1].rstrip() + "…"
        self._left -= len(text)
        self.last_number += 1
        source = result._replace(
            content=None,
            title=drop_unseen(result.title or "") or None,
            filename=drop_unseen(result.filename or "") or None,
        )
        self._take_in(Passage(self.last_number, source))
        return Passage(self.last_number, source, text)


def harmless(text: str) -> str:
    """`text` without what nobody sees, and with everything spelt inertly that could act.

    That is on a model, on our fences, or as a citation.
    """
    return defuse_numbers(defuse_marks(defuse_tokens(drop_unseen(text))))


def _attribute(text: str) -> str:
    fit = _UNFIT_FOR_ATTRIBUTE.sub(" ", harmless(text[:_LONGEST_TITLE])).strip()
    return harmless(fit)  # again: a space may stand now where there was a quotation mark


def pages_of(result: Result) -> str:
    """The pages of a result that has some: `3` or `3-5`."""
    if result.page_end is None or result.page_end == result.page_start:
        return str(result.page_start)
    return f"{result.page_start}-{result.page_end}"


def _numbers(passages: Iterable[Passage]) -> str:
    return ", ".join(f"[{passage.n}]" for passage in passages)
