"""The table in docs/clients.md, between two markers: what came of every check."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.clients.catalogue import Client
from tests.clients.checks import CHECKS, Outcome

BEGIN: Final = "<!-- made by `make clients`: begin -->"
END: Final = "<!-- made by `make clients`: end -->"
_MARKED: Final = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)


@dataclass(frozen=True)
class Row:
    """What came of a client: an outcome for each check, or why it was not installed."""

    client: Client
    outcomes: Mapping[str, Outcome]
    missing: str = ""

    @property
    def failed(self) -> bool:
        return any(each.verdict == "failed" for each in self.outcomes.values())


def table(rows: Sequence[Row], said_of: str) -> str:
    """The table, and below it why a client has no place in a column. `said_of`: when and where."""
    titles = ["Client", "Version", *(check.title for check in CHECKS)]
    notes: list[str] = []
    cells = [[row.client.title, f"`{row.client.version}`", *_cells(row, notes)] for row in rows]
    lines = [said_of, "", *map(_line, [titles, ["---"] * len(titles), *cells])]
    return "\n".join([*lines, *(["", *_listed(notes)] if notes else [])])


def written(docs: str, made: str) -> str:
    """The page with another table. ValueError if it has no place for one."""
    if len(_MARKED.findall(docs)) != 1:
        raise ValueError(f"the page needs {BEGIN} and {END}, once")
    return _MARKED.sub(lambda _: f"{BEGIN}\n\n{made}\n\n{END}", docs)


def _cells(row: Row, notes: list[str]) -> list[str]:
    if row.missing:
        return [f"not installed {_note(row.missing, notes)}"] + [""] * (len(CHECKS) - 1)
    return [_cell(row.outcomes.get(check.name), notes) for check in CHECKS]


def _cell(outcome: Outcome | None, notes: list[str]) -> str:
    if outcome is None or outcome.verdict == "not tried":
        return ""
    if outcome.verdict == "passed":
        return "yes"
    sign = "**no**" if outcome.verdict == "failed" else "n/a"
    return f"{sign} {_note(outcome.why, notes)}"


def _note(why: str, notes: list[str]) -> str:
    if why not in notes:
        notes.append(why)
    return f"({notes.index(why) + 1})"


def _listed(notes: Sequence[str]) -> list[str]:
    return [f"{number}. {_plain(why)}" for number, why in enumerate(notes, 1)]


def _plain(why: str) -> str:
    """One sentence of text: no mark-up, no lines, and a full stop."""
    said = re.sub(r"[`<>|*_]", "", " ".join(why.split()))
    return f"{said[:1].upper()}{said[1:].removesuffix('.')}."


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
