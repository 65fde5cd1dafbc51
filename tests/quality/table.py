"""The table: a row for each mode and kind of question, and one for each mode."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tests.quality.judge import Judgement
from tests.quality.questions import KINDS, Kind

MODES: Final = ("tool", "context", "hybrid")
_HEAD: Final = (
    "mode",
    "questions",
    "asked",
    "right",
    "right and cited",
    "invented markers",
    "wrong sources",
    "searched",
    "found",
    "rounds",
)
_NOTHING: Final = "-"


@dataclass(frozen=True, slots=True)
class Judged:
    """One answer: how it was asked for, and what is to be said of it."""

    mode: str
    kind: Kind
    language: str
    has_document: bool
    judgement: Judgement


def by_kind(answers: Sequence[Judged]) -> str:
    return _table(answers, KINDS, lambda each: each.kind)


def by_language(answers: Sequence[Judged]) -> str:
    """Only of questions that a document answers."""
    answered = [each for each in answers if each.has_document]
    languages = dict.fromkeys(each.language for each in answered)
    return _table(answered, tuple(languages), lambda each: each.language)


def _table(
    answers: Sequence[Judged], groups: Iterable[str], group_of: Callable[[Judged], str]
) -> str:
    """Markdown that also reads well as plain text."""
    rows: list[Sequence[str]] = [_HEAD]
    for mode in MODES:
        of_mode = [each for each in answers if each.mode == mode]
        for group in groups:
            rows += _row(mode, group, [each for each in of_mode if group_of(each) == group])
        rows += _row(mode, "all", of_mode)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["| " + " | ".join(map(_laid_out, enumerate(row), widths)) + " |" for row in rows]
    rule = "|" + "|".join(["---"] * 2 + ["---:"] * (len(_HEAD) - 2)) + "|"
    return "\n".join([lines[0], rule, *lines[1:]]) + "\n"


def _row(mode: str, group: str, answers: Sequence[Judged]) -> list[Sequence[str]]:
    """One row, or none if nothing was asked."""
    if not answers:
        return []
    every = [each.judgement for each in answers]
    has_document = any(each.has_document for each in answers)

    def count(is_so: Callable[[Judgement], bool], *, needs_document: bool = False) -> str:
        return _NOTHING if needs_document and not has_document else str(sum(map(is_so, every)))

    return [
        (
            mode,
            group,
            str(len(every)),
            count(lambda each: each.right),
            count(lambda each: each.right and each.cited, needs_document=True),
            count(lambda each: each.invented),
            count(lambda each: each.wrong_sources, needs_document=True),
            count(lambda each: each.searched),
            count(lambda each: each.found, needs_document=True),
            f"{sum(each.rounds for each in every) / len(every):.1f}",
        )
    ]


def _laid_out(numbered: tuple[int, str], width: int) -> str:
    place, cell = numbered
    return cell.ljust(width) if place < len(("mode", "questions")) else cell.rjust(width)
