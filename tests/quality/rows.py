"""The answers on disk: a line of JSON each, raw, so that a better judge can read them again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.quality.judge import judge
from tests.quality.questions import Conversation
from tests.quality.reply import Citation, Reply
from tests.quality.table import Judged


@dataclass(frozen=True, slots=True)
class Row:
    """One answer, and what it answers: a question is known by its text."""

    mode: str
    ask: str
    streamed: bool
    seconds: float
    reply: Reply


def append(file: Path, row: Row) -> None:
    with file.open("a") as lines:
        lines.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")


def read(file: Path) -> list[Row]:
    """The last answer to each question in each mode; none if there is no file."""
    lines = file.read_text().split("\n") if file.exists() else []
    rows = [_row(json.loads(line)) for line in lines if line]
    return list({(row.mode, row.ask): row for row in rows}.values())


def judged(rows: list[Row], conversations: tuple[Conversation, ...]) -> list[Judged]:
    """Judge every row whose question is among `conversations`."""
    known = {turn.ask: (turn, each.language) for each in conversations for turn in each.turns}
    found = [(row, *known[row.ask]) for row in rows if row.ask in known]
    return [
        Judged(row.mode, turn.kind, language, bool(turn.document), judge(turn, row.reply))
        for row, turn, language in found
    ]


def _row(kept: dict[str, Any]) -> Row:
    reply = kept.pop("reply")
    citations = tuple(Citation(**each) for each in reply.pop("citations"))
    return Row(**kept, reply=Reply(citations=citations, **reply))
