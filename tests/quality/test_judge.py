"""What counts as right, cited, invented and wrong."""

import pytest

from tests.quality.judge import judge
from tests.quality.questions import Question
from tests.quality.reply import Citation, Reply

MEALS = Question("known", "How much for meals?", "en/travel-expenses", r"\b47\b")
ABSENT = Question("absent", "Who is the architect?")
SMALL_TALK = Question("small talk", "hi")
TITLE = "Travel expenses"


def cited(text: str, *titles: str) -> Reply:
    """A reply with one link at the end of its text for each title."""
    end = len(text)
    links = [Citation(title, end - 3, end) for title in titles]
    return Reply(text, tuple(links), {"rounds": 1, "searches": []})


def found(*titles: str) -> dict[str, object]:
    return {"rounds": 2, "searches": [{"results": [{"title": title} for title in titles]}]}


def test_a_fact_with_a_link_to_its_document_is_right_and_cited() -> None:
    verdict = judge(MEALS, cited("You may spend 47 pounds. [1]", TITLE))
    assert (verdict.right, verdict.cited) == (True, True)
    assert not verdict.invented
    assert not verdict.wrong_sources


def test_another_fact_is_wrong_however_it_is_cited() -> None:
    verdict = judge(MEALS, cited("You may spend 50 pounds. [1]", TITLE))
    assert (verdict.right, verdict.cited) == (False, True)


def test_the_number_of_a_passage_is_no_fact() -> None:
    assert not judge(MEALS, Reply("As much as the rules allow. [47]")).right


def test_links_to_other_documents_alone_are_wrong_sources() -> None:
    other = judge(MEALS, cited("47 pounds [1]", "Warranty"))
    assert (other.cited, other.wrong_sources) == (False, True)
    both = judge(MEALS, cited("47 pounds [1]", "Warranty", TITLE))
    assert (both.cited, both.wrong_sources) == (True, False)


@pytest.mark.parametrize(
    "marker", ["[1]", "[1, 2]", "[Passage 3]", "[source #4]", "【1†L1】", "[12][13]"]
)
def test_a_marker_that_is_no_link_is_invented(marker: str) -> None:
    assert judge(MEALS, Reply(f"47 pounds {marker}")).invented


@pytest.mark.parametrize("text", ["47 pounds", "[a]", "see [T40]", "a[b]", "[]", "[x](y)"])
def test_other_brackets_are_no_markers(text: str) -> None:
    assert not judge(MEALS, Reply(text)).invented


def test_each_number_of_a_list_needs_a_link_of_its_own() -> None:
    text = "47 pounds [1, 2]"
    one = (Citation(TITLE, 11, 12),)
    both = (*one, Citation(TITLE, 14, 15))
    assert judge(MEALS, Reply(text, one)).invented
    assert not judge(MEALS, Reply(text, both)).invented


def test_a_link_where_no_document_has_an_answer_is_invented() -> None:
    assert judge(ABSENT, cited("The documents do not say. [1]", TITLE)).invented
    assert judge(SMALL_TALK, cited("Hello! [1]", TITLE)).invented


@pytest.mark.parametrize(
    "text",
    [
        "The passages do not mention an architect.",
        "I couldn't find it.",
        "Je n'ai pas cette information.",
        "Aucun document ne le dit.",
        "Darüber steht in den Dokumenten nichts, ich habe keine Information.",
        "No hay información sobre eso.",
        "No se menciona.",
    ],
)
def test_what_no_document_says_is_right_if_the_answer_says_so(text: str) -> None:
    assert judge(ABSENT, Reply(text)).right


def test_an_invented_fact_is_not_right() -> None:
    assert not judge(ABSENT, Reply("The architect is Jane Doe.")).right


def test_the_proxys_own_refusal_is_right_where_no_document_has_an_answer() -> None:
    refusal = Reply("Das steht da so.", (), {"rounds": 0, "searches": [{}], "refused": True})
    assert judge(ABSENT, refusal).right
    assert not judge(MEALS, refusal).right


def test_small_talk_is_answered_without_talk_of_documents() -> None:
    assert judge(SMALL_TALK, Reply("Hello! I'm not tired. How can I help?")).right
    for text in ("I do not have information about hi.", "No results found."):
        assert not judge(SMALL_TALK, Reply(text)).right


@pytest.mark.parametrize(
    "text",
    ["", "[1]", '{"name": "lighton_search", "arguments": {"query": "47"}}', "<tool_call>not 47"],
)
def test_no_text_and_a_call_as_text_are_never_right(text: str) -> None:
    assert not any(judge(each, Reply(text)).right for each in (MEALS, ABSENT, SMALL_TALK))


def test_a_reply_that_broke_is_never_right() -> None:
    assert not judge(MEALS, Reply("47 pounds", error="the stream ended early")).right


def test_searches_and_what_they_found_are_counted() -> None:
    verdict = judge(MEALS, Reply("47", (), found("Warranty", TITLE)))
    assert (verdict.searched, verdict.found, verdict.rounds) == (True, True, 2)
    assert not judge(MEALS, Reply("47", (), found("Warranty"))).found
    assert not judge(MEALS, Reply("47")).searched
