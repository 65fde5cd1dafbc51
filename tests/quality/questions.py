"""The questions, by conversation, and the titles of the documents that answer them."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

HERE: Final = Path(__file__).parent
DOCUMENTS: Final = HERE / "documents"
QUESTIONS: Final = HERE / "questions.toml"

Kind = Literal["known", "follow-up", "change", "absent", "small talk"]
KINDS: Final[tuple[Kind, ...]] = ("known", "follow-up", "change", "absent", "small talk")


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `document` and `right` are empty if no document holds the answer.

    `document` is a path in DOCUMENTS without its suffix.
    """

    kind: Kind
    ask: str
    document: str = ""
    right: str = ""

    @property
    def title(self) -> str:
        """The title of the document that holds the answer, as search results give it."""
        return title_of(DOCUMENTS / f"{self.document}.md") if self.document else ""

    @property
    def pattern(self) -> re.Pattern[str]:
        """What a right answer contains."""
        return re.compile(self.right, re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Conversation:
    """Questions that are asked one after another, each with all that was said before."""

    language: str
    turns: tuple[Question, ...]


def load(file: Path = QUESTIONS) -> tuple[Conversation, ...]:
    tables = tomllib.loads(file.read_text())["conversation"]
    return tuple(
        Conversation(table["language"], tuple(Question(**turn) for turn in table["turns"]))
        for table in tables
    )


def title_of(file: Path) -> str:
    return file.read_text().partition("\n")[0].removeprefix("# ")
