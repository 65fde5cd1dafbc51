"""What the scripted upstream does for a request. The model's name says it.

`bench-103x5ms-first300ms-search200ms-held`: an answer has 103 chunks, 5 ms apart. The first comes
after 300 ms, a search takes 200 ms, and the upstream holds an answer open after its first chunk
until someone releases it. The last three are optional. Upstream and load client both read the name
here, so the client knows what the upstream sends, and when.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Any, Final

from tests.support.script import result

PASSAGES: Final = 5
PASSAGE_CHARS: Final = 1100
CALL_WRITES: Final = 9
"""The writes of a search call: its name, six parts of its arguments, the finish_reason, usage."""
ARGUMENT_WRITES: Final = CALL_WRITES - 3
FIRST_PIECE: Final = "Bench:"
_FEWEST_CHUNKS: Final = 6
_CHUNKS_WITHOUT_TEXT: Final = 2
"""The chunk with the finish_reason, and the one with usage."""

_NAME: Final = re.compile(
    r"bench-(?P<chunks>\d{1,4})x(?P<gap>\d{1,4})ms"
    r"(?:-first(?P<first>\d{1,4})ms)?(?:-search(?P<search>\d{1,4})ms)?(?P<held>-held)?"
)


@dataclass(frozen=True, slots=True)
class Script:
    """What happens after a request. Times are in seconds."""

    chunks: int
    """How many chunks an answer has, the finish_reason and usage among them."""
    gap_s: float = 0.0
    """Between one write of a model and the next."""
    first_s: float = 0.0
    """From a model request to its first write."""
    search_s: float = 0.0
    held: bool = False
    """An answer stays open after its first chunk until the upstream is told to go on."""

    @property
    def model(self) -> str:
        """The name that `find_script` reads."""
        name = f"bench-{self.chunks}x{_ms(self.gap_s)}ms"
        if self.first_s:
            name += f"-first{_ms(self.first_s)}ms"
        if self.search_s:
            name += f"-search{_ms(self.search_s)}ms"
        return name + ("-held" if self.held else "")

    @property
    def pieces(self) -> tuple[str, ...]:
        """The text of an answer, one piece for each chunk that has text."""
        return _pieces(self.chunks - _CHUNKS_WITHOUT_TEXT)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def call_s(self) -> float:
        """From a model request to the end of a streamed search call."""
        return self.first_s + (CALL_WRITES - 1) * self.gap_s

    @property
    def answer_s(self) -> float:
        """From a model request to the end of an answer, streamed or not."""
        return self.first_s + (self.chunks - 1) * self.gap_s

    @property
    def loop_s(self) -> float:
        """The delays before the first token of an answer that needs a search call.

        The search may start as soon as the call's arguments are complete, two writes before its
        end.
        """
        arguments_s = self.first_s + ARGUMENT_WRITES * self.gap_s
        return max(self.call_s, arguments_s + self.search_s) + self.first_s


@functools.lru_cache
def find_script(text: str) -> Script | None:
    """The script that a model name or a question holds, if any."""
    found = _NAME.search(text)
    if found is None or int(found["chunks"]) < _FEWEST_CHUNKS:
        return None
    return Script(
        chunks=int(found["chunks"]),
        gap_s=int(found["gap"]) / 1000,
        first_s=int(found["first"] or 0) / 1000,
        search_s=int(found["search"] or 0) / 1000,
        held=found["held"] is not None,
    )


def question(script: Script, number: int) -> str:
    """A user message that no other request has: a cache may answer identical searches."""
    return f"Question {number:09d} of {script.model}: which notice period does the lease name?"


def fingerprint(passage: int) -> str:
    """Text that is in passage 1 to 5 and nowhere else."""
    return f"bench-passage-{passage}."


@functools.lru_cache
def search_results() -> dict[str, Any]:
    """LightOn's reply to any search."""
    return {"results": [_result(n) for n in range(1, PASSAGES + 1)]}


CITED: Final = (2, 5)
"""The passages that an answer cites: one near its beginning, one at its end."""


def read_text(script: Script) -> str:
    """The answer as its reader gets it: a number is the place of its source by first appearance."""
    text = script.text
    for n, passage in enumerate(CITED, 1):
        text = text.replace(f"[{passage}]", f"[{n}]", 1)
    return text


def citations(script: Script) -> list[dict[str, Any]]:
    """The citations of an answer as its reader gets it."""
    text = read_text(script)
    return [_annotation(text, n, passage) for n, passage in enumerate(CITED, 1)]


def _annotation(text: str, n: int, passage: int) -> dict[str, Any]:
    marker = f"[{n}]"
    start = text.index(marker)
    citation = {
        "url": _url(passage),
        "title": _title(passage),
        "start_index": start,
        "end_index": start + len(marker),
    }
    return {"type": "url_citation", "url_citation": citation}


@functools.lru_cache
def _pieces(count: int) -> tuple[str, ...]:
    """Pieces that all differ, with characters that JSON escapes and UTF-8 writes in two bytes."""
    middle = [f" word{n}" for n in range(count - 4)]
    return (FIRST_PIECE, " [2]", ' "é"\n', *middle, " [5]")


def _result(n: int) -> Any:
    sentence = f"The lease of building {n} names a notice period of {n} months. "
    content = f"{fingerprint(n)} {sentence * 30}"[:PASSAGE_CHARS]
    return result(
        f"00000000-0000-4000-8000-00000000000{n}",
        content,
        score=1 - n / 10,
        file_id=n,
        filename=f"lease-{n}.pdf",
        title=_title(n),
        mime_type="application/pdf",
        size_bytes=100_000,
        page_start=n,
        page_end=n,
        external_metadata={
            "external_id": str(n),
            "external_url": _url(n),
            "additional_metadata": {},
        },
    )


def _title(passage: int) -> str:
    return f"Lease of building {passage}"


def _url(passage: int) -> str:
    return f"https://documents.example/lease-{passage}"


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
