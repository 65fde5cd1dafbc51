"""The table."""

from dataclasses import replace

from tests.quality.judge import Judgement
from tests.quality.table import Judged, by_kind, by_language

GOOD = Judgement(
    right=True,
    cited=True,
    invented=False,
    wrong_sources=False,
    searched=True,
    found=True,
    rounds=2,
)
KNOWN = Judged("tool", "known", "en", has_document=True, judgement=GOOD)


def cells(table: str) -> list[list[str]]:
    lines = [line for line in table.splitlines() if not line.startswith("|---")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_each_mode_has_a_row_for_each_kind_and_one_for_all() -> None:
    hybrid = replace(KNOWN, mode="hybrid", kind="change")
    rows = cells(by_kind([hybrid, KNOWN, KNOWN]))
    assert [row[:3] for row in rows[1:]] == [
        ["tool", "known", "2"],
        ["tool", "all", "2"],
        ["hybrid", "change", "1"],
        ["hybrid", "all", "1"],
    ]


def test_every_column_counts_what_its_head_says() -> None:
    bad = Judgement(
        right=False,
        cited=True,
        invented=True,
        wrong_sources=True,
        searched=False,
        found=False,
        rounds=1,
    )
    head, row, _ = cells(by_kind([KNOWN, KNOWN, replace(KNOWN, judgement=bad)]))
    assert dict(zip(head, row, strict=True)) == {
        "mode": "tool",
        "questions": "known",
        "asked": "3",
        "right": "2",
        "right and cited": "2",
        "invented markers": "1",
        "wrong sources": "1",
        "searched": "2",
        "found": "2",
        "rounds": "1.7",
    }


def test_where_no_document_has_an_answer_nothing_is_said_of_documents() -> None:
    absent = replace(KNOWN, kind="absent", has_document=False)
    head, row, _ = cells(by_kind([absent]))
    shown = dict(zip(head, row, strict=True))
    assert [shown[each] for each in ("right and cited", "wrong sources", "found")] == ["-"] * 3
    assert shown["right"] == "1"


def test_languages_are_compared_by_questions_that_a_document_answers() -> None:
    absent = replace(KNOWN, kind="absent", has_document=False)
    rows = cells(by_language([KNOWN, replace(KNOWN, language="fr"), absent]))
    assert [row[:3] for row in rows[1:]] == [
        ["tool", "en", "1"],
        ["tool", "fr", "1"],
        ["tool", "all", "2"],
    ]


def test_columns_stand_under_their_heads_in_plain_text_too() -> None:
    head, _, *rows = by_kind([KNOWN]).splitlines()
    assert {len(row) for row in rows} == {len(head)}
