"""The questions fit the documents, so that a wrong answer is the proxy's or the model's."""

from collections import Counter

import pytest

from tests.quality.questions import DOCUMENTS, KINDS, Question, load, title_of

TURNS = [turn for conversation in load() for turn in conversation.turns]
FILES = sorted(DOCUMENTS.rglob("*.md"))


def test_there_are_forty_questions_of_all_kinds_in_four_languages() -> None:
    kinds = Counter(turn.kind for turn in TURNS)
    assert len(TURNS) >= 40
    assert set(kinds) == set(KINDS)
    assert kinds.most_common(1)[0][0] == "known"
    assert {each.language for each in load()} == {"en", "fr", "de", "es"}


def test_a_question_and_a_title_each_name_one_thing() -> None:
    assert len({turn.ask for turn in TURNS}) == len(TURNS)
    assert len({title_of(file) for file in FILES}) == len(FILES)


@pytest.mark.parametrize(
    "turn", [each for each in TURNS if each.document], ids=lambda each: each.ask
)
def test_one_document_alone_holds_the_title_and_the_fact(turn: Question) -> None:
    text = " ".join((DOCUMENTS / f"{turn.document}.md").read_text().split())
    assert turn.title
    assert turn.right
    assert turn.pattern.search(text)
    assert not turn.pattern.search(turn.ask)


def test_only_what_no_document_answers_names_none() -> None:
    without = {turn.kind for turn in TURNS if not turn.document}
    assert without == {"absent", "small talk"}
    assert not [turn for turn in TURNS if turn.document and turn.kind in without]


def test_a_follow_up_asks_about_the_document_before_it_and_a_change_about_another() -> None:
    for conversation in load():
        for before, turn in zip(conversation.turns, conversation.turns[1:], strict=False):
            if turn.kind == "follow-up":
                assert turn.document == before.document
            if turn.kind == "change":
                assert turn.document != before.document


def test_a_conversation_stays_in_the_language_of_its_documents() -> None:
    for conversation in load():
        folders = {turn.document.partition("/")[0] for turn in conversation.turns if turn.document}
        assert folders <= {conversation.language}
