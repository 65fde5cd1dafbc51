"""Answers on disk."""

from pathlib import Path

from tests.quality.questions import Conversation, Question
from tests.quality.reply import Citation, Reply
from tests.quality.rows import Row, append, judged, read

REPLY = Reply("31 £ [1]", (Citation("Parking and bicycles", 5, 8),), {"rounds": 1})
ROW = Row("tool", "What does it cost?", streamed=True, seconds=1.5, reply=REPLY)
ASKED = (Conversation("en", (Question("known", ROW.ask, "en/parking", "31"),)),)


def test_an_answer_comes_back_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    append(file, ROW)
    assert read(file) == [ROW]


def test_the_last_answer_to_a_question_counts(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    newer = Row("tool", ROW.ask, streamed=True, seconds=2.0, reply=Reply("50"))
    in_another_mode = Row("hybrid", ROW.ask, streamed=True, seconds=2.0, reply=REPLY)
    for row in (ROW, in_another_mode, newer):
        append(file, row)
    assert read(file) == [newer, in_another_mode]


def test_before_the_first_answer_there_is_none(tmp_path: Path) -> None:
    assert read(tmp_path / "rows.jsonl") == []


def test_answers_are_judged_by_the_question_they_answer() -> None:
    unknown = Row("tool", "Something else", streamed=False, seconds=1.0, reply=REPLY)
    (one,) = judged([unknown, ROW], ASKED)
    assert (one.mode, one.kind, one.language, one.has_document) == ("tool", "known", "en", True)
    assert one.judgement.cited
