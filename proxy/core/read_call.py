"""What a call of the reading tool asks for: pages of a document that the model was shown.

The model names a passage. Only the proxy knows which document that is, so no call can reach a
document that no search of this conversation has found.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from proxy.core.forgiving import as_integer, ignored, read_arguments
from proxy.core.hidden import Job, Order
from proxy.core.names import READ_TOOL
from proxy.core.passages import Passage, Result
from proxy.core.turn import ToolCall

MOST_PAGES: Final = 5
"""The most pages of one call."""

_HIGHEST_PAGE: Final = 999_999
_EXAMPLE: Final = '{"n": 2, "pages": "3-5"}'
_ARGUMENTS: Final = ("n", "pages")
_NUMBER: Final = re.compile(r"\s{0,9}[\[(#]?([0-9]{1,9})(?:\.0)?[\])]?\s{0,9}")
"""A passage's number as a text: 2, [2], #2."""
_PAGES: Final = re.compile(r"[0-9][0-9 ,;\u2010-\u2015-]{0,80}")
"""3, 3-5, 3, 4: with any of the dashes."""
_PREFIX: Final = re.compile(r"\s{0,9}(?:pages?|pp?\.?|seiten?|s\.)?\s{0,9}", re.IGNORECASE)
_MOST_NAMED: Final = 20
"""The most passages that a correction names."""


class Reading(NamedTuple):
    """Pages `first` to `last` of a document. Equal readings bring equal results."""

    n: int
    """The passage by which the model knows the document."""
    file_id: int
    first: int
    last: int
    title: str | None
    filename: str | None
    url: str
    """That of the passage."""
    is_asked: bool = True
    """Whether the model asked for these pages, rather than for those around the passage."""
    has_page: bool = True
    """Whether the passage has a page."""

    @property
    def job(self) -> Job:
        """The reading as a job. The same pages are the same, whatever passage names them."""
        return Job(READ_TOOL, tuple(self), f"{self.file_id}:{self.pages}")

    @classmethod
    def of(cls, job: Job) -> Reading:
        """The reading that a job stands for."""
        asked: tuple[Any, ...] = job.asked  # shorter, if an earlier version kept it
        return cls(*asked)

    @property
    def pages(self) -> str:
        """Such as 3-5, or 3."""
        return f"{self.first}-{self.last}" if self.last > self.first else str(self.first)

    @property
    def name(self) -> str:
        """What a reader knows the document by."""
        return self.title or self.filename or f"file {self.file_id}"


class _Span(NamedTuple):
    """The pages to read, and a note if they are not those that the model wrote."""

    first: int
    last: int
    note: str = ""
    is_asked: bool = True


def read_call(call: ToolCall, passages: Mapping[int, Passage]) -> Order:
    """What `call` asks for, after the model was shown `passages`."""
    arguments = read_arguments(call)
    if isinstance(arguments, str):
        return Order(fault=f"{arguments} {_usage()}")
    passage = _passage(arguments.get("n"), passages)
    if passage is None:
        return Order(fault=f"n must be the number of a passage: {_shown(passages)}. {_usage()}")
    result = passage.result
    if result.file_id is None:
        return Order(fault=f"There is no more to read of the document of passage {passage.n}.")
    span = _span(arguments.get("pages"), result)
    reading = Reading(
        passage.n,
        result.file_id,
        span.first,
        span.last,
        result.title,
        result.filename,
        result.url,
        span.is_asked,
        result.page_start is not None,
    )
    return Order(reading.job, (*filter(None, (span.note,)), *ignored(arguments, _ARGUMENTS)))


def _usage() -> str:
    return f"Call {READ_TOOL} with arguments such as {_EXAMPLE}."


def _shown(passages: Mapping[int, Passage]) -> str:
    """The passages that can be read on from."""
    named = [str(n) for n, each in passages.items() if each.result.file_id is not None]
    more = ["…"] if len(named) > _MOST_NAMED else []
    return ", ".join((*named[:_MOST_NAMED], *more)) or "there is none"


def _passage(value: object, passages: Mapping[int, Passage]) -> Passage | None:
    if isinstance(value, str):
        match = _NUMBER.fullmatch(value)
        return passages.get(int(match[1])) if match else None
    number = as_integer(value)
    return None if number is None else passages.get(number)


def _span(value: object, result: Result) -> _Span:
    around = _around(result)
    if value is None or value in ("", []):
        return around
    numbers = _page_numbers(value)
    first, last = min(numbers, default=0), max(numbers, default=0)
    if not 1 <= last <= _HIGHEST_PAGE:
        used = f"{around.first}-{around.last}" if around.last > around.first else around.first
        note = f'pages must be such as "3-5", from page 1; {used} was used.'
        return around._replace(note=note)
    first = max(first, 1)
    if last - first < MOST_PAGES:
        return _Span(first, last)
    last = first + MOST_PAGES - 1
    return _Span(first, last, f"At most {MOST_PAGES} pages a call; {first}-{last} was used.")


def _around(result: Result) -> _Span:
    """The pages of a passage and their neighbours.

    A passage without a page is mostly one of a document without pages, which has a single text.
    """
    start = result.page_start
    if start is None:
        return _Span(1, 1, is_asked=False)
    if not 1 <= start < _HIGHEST_PAGE:
        return _Span(1, 3, is_asked=False)
    first = max(start - 1, 1)
    last = max(result.page_end or start, start) + 1
    return _Span(first, min(last, first + MOST_PAGES - 1), is_asked=False)


def _page_numbers(value: object) -> list[int]:
    """The pages that a model names as 3, "3", "3-5", "pages 3 to 5" or [3, 4]."""
    if isinstance(value, list):
        return [number for each in value[:100] for number in _page_numbers_of(each)]
    return _page_numbers_of(value)


def _page_numbers_of(value: object) -> list[int]:
    if not isinstance(value, str):
        number = as_integer(value)
        return [] if number is None else [number]
    prefix = _PREFIX.match(value)
    rest = value[prefix.end() if prefix else 0 :].rstrip().lower().replace(" to ", "-")
    return [int(each) for each in re.findall("[0-9]+", rest)] if _PAGES.fullmatch(rest) else []
