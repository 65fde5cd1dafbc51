from __future__ import annotations

from itertools import pairwise, permutations
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from proxy.core.followups import (
    LONGEST_FOLLOWUP,
    Followups,
    Question,
    first_questions,
    interleave,
    share_of,
)
from proxy.core.wire import Message
from proxy.sandbox.documents.corpus import load_corpus
from proxy.sandbox.lighton.request import SearchRequest
from proxy.sandbox.lighton.search import search
from tests.core.test_chores import OPENINGS
from tests.quality.questions import DOCUMENTS, Kind, load
from tests.quality.questions import Question as Asked

LEAVE, MANAGERS = "How much leave do we have?", "and for managers?"


def said(*texts: Any) -> list[Message]:
    """A conversation in which the user said `texts`, each but the last one with an answer."""
    messages: list[Message] = [{"role": "system", "content": "Be brief."}]
    for text in texts:
        messages += [{"role": "user", "content": text}, {"role": "assistant", "content": "So."}]
    return messages[:-1]


def questions(
    messages: list[Message],
    followups: Followups = "merge",
    query_chars: int = 4_000,
    results: int = 5,
) -> tuple[Question, ...]:
    return first_questions(messages, followups=followups, query_chars=query_chars, results=results)


def queries(*texts: Any, **limits: Any) -> list[str]:
    return [each.text for each in questions(said(*texts), **limits)]


def test_a_follow_up_is_searched_alone_and_after_the_message_before_it() -> None:
    both = (Question(MANAGERS, 3), Question(f"{LEAVE}\n{MANAGERS}", 3))
    assert questions(said("Hello!", LEAVE, MANAGERS)) == both


def test_only_what_the_user_said_counts_also_in_an_agents_steps() -> None:
    steps: list[Message] = [{"role": "assistant", "content": "I'll look at the weather."}]
    assert questions([*said(LEAVE, MANAGERS), *steps]) == questions(said(LEAVE, MANAGERS))


def test_thanks_between_two_questions_are_passed_over() -> None:
    assert queries(LEAVE, "Thank you very much!", MANAGERS) == [MANAGERS, f"{LEAVE}\n{MANAGERS}"]


def test_a_message_without_text_is_passed_over() -> None:
    image = [{"type": "image_url", "image_url": {"url": "data:"}}]
    parts = [{"type": "text", "text": MANAGERS}, *image]
    assert queries(LEAVE, image, None, " ", parts) == [MANAGERS, f"{LEAVE}\n{MANAGERS}"]


@pytest.mark.parametrize("last", ["", " \n", None, [{"type": "image_url"}]])
def test_there_is_nothing_to_search_for_a_last_message_without_text(last: object) -> None:
    assert queries(LEAVE, last) == []


@pytest.mark.parametrize("opening", OPENINGS.values())
def test_a_chore_is_not_searched(opening: str) -> None:
    assert queries(opening) == []


@pytest.mark.parametrize(
    ("earlier", "last"),
    [
        ((), MANAGERS),
        ((LEAVE,), "Where do I park my car? " * 9),
        ((LEAVE,), "Thanks!"),
        ((LEAVE,), "Merci beaucoup"),
        ((LEAVE,), "Ça va ?"),
        (("Hello!",), MANAGERS),
        ((MANAGERS,), "And  for MANAGERS?\n"),
    ],
    ids=["first", "long", "thanks", "merci", "ça va", "after a greeting", "the same again"],
)
def test_a_message_is_searched_alone_that_the_one_before_it_adds_nothing_to(
    earlier: tuple[str, ...], last: str
) -> None:
    assert questions(said(*earlier, last)) == (Question(last.strip(), 5),)


@pytest.mark.parametrize(
    "last", ["managers?", "for managers", "und Azubis?", "经理呢？", "والمديرون؟"]
)
def test_a_question_in_few_words_is_a_follow_up(last: str) -> None:
    assert queries(LEAVE, last) == [last, f"{LEAVE}\n{last}"]


@pytest.mark.parametrize(("length", "count"), [(LONGEST_FOLLOWUP, 2), (LONGEST_FOLLOWUP + 1, 1)])
def test_a_follow_up_has_at_most_so_many_characters(length: int, count: int) -> None:
    last = "and for managers".ljust(length - 1, "s") + "?"
    assert len(queries(LEAVE, f"  {last} ")) == count


def test_where_the_setting_says_so_each_message_is_searched_alone() -> None:
    assert questions(said(LEAVE, MANAGERS), "off") == (Question(MANAGERS, 5),)


def test_of_a_joined_query_that_is_too_long_the_earlier_message_is_cut() -> None:
    room = len(MANAGERS) + 9
    assert queries(LEAVE, MANAGERS, query_chars=room) == [MANAGERS, f"How much\n{MANAGERS}"]
    assert queries(LEAVE, MANAGERS, query_chars=len(MANAGERS) + 1) == [MANAGERS]
    assert queries(LEAVE, MANAGERS, query_chars=7) == ["and for"]


def test_where_one_result_is_allowed_a_second_search_has_no_use() -> None:
    assert questions(said(LEAVE, MANAGERS), results=1) == (Question(MANAGERS, 1),)


@pytest.mark.parametrize(("results", "share"), [(2, 2), (3, 2), (5, 3), (10, 6), (50, 30)])
def test_two_searches_ask_for_fewer_results_each(results: int, share: int) -> None:
    assert share_of(results) == share


contents = st.text() | st.text(alphabet="ab ?", max_size=300)


@given(
    texts=st.lists(contents, max_size=4),
    followups=st.sampled_from(["merge", "off"]),
    query_chars=st.integers(1, 400),
    results=st.integers(1, 50),
)
def test_there_are_at_most_two_queries_within_the_limit_and_the_message_is_the_first(
    texts: list[str], followups: Followups, query_chars: int, results: int
) -> None:
    made = questions(said(*texts, "so what?"), followups, query_chars, results)
    assert 1 <= len(made) <= 2
    assert made[0].text == "so what?"[:query_chars].strip()
    for each in made:
        assert 0 < len(each.text) <= query_chars
        assert each.text.endswith(made[0].text)
    total = sum(each.results for each in made)
    assert results <= total <= results * 6 / 5 + 2
    assert len({each.text for each in made}) == len(made)


@given(texts=st.lists(contents, min_size=1, max_size=4), query_chars=st.integers(1, 400))
def test_a_first_or_long_message_is_searched_once(texts: list[str], query_chars: int) -> None:
    *earlier, last = texts
    assume(last.strip() and not any(map(str.strip, earlier)))
    assert len(questions(said(*texts), query_chars=query_chars)) <= 1
    long = last.strip() + "x" * LONGEST_FOLLOWUP
    assert len(questions(said(LEAVE, long), query_chars=query_chars)) == 1


rankings = st.lists(st.lists(st.integers(0, 9), max_size=6), max_size=3)


@given(rankings=rankings, most=st.integers(0, 12))
def test_a_merged_list_has_each_entry_once_at_its_best_rank(
    rankings: list[list[int]], most: int
) -> None:
    merged = interleave(rankings, most, key=int)
    ranks = {
        entry: min(
            (ranking.index(entry), place)
            for place, ranking in enumerate(rankings)
            if entry in ranking
        )
        for ranking in rankings
        for entry in ranking
    }
    assert merged == sorted(ranks, key=lambda entry: ranks[entry])[:most]


@given(rankings=st.lists(st.lists(st.integers(), unique=True), max_size=3))
def test_a_merged_list_keeps_the_order_of_each_ranking_without_what_stood_higher_elsewhere(
    rankings: list[list[int]],
) -> None:
    distinct = [[(n, each) for each in ranking] for n, ranking in enumerate(rankings)]
    merged = interleave(distinct, 1_000, key=hash)
    assert [[e for e in merged if e[0] == n] for n in range(len(distinct))] == distinct


CORPUS = load_corpus(DOCUMENTS)
CONVERSATIONS = load()


def finds(messages: list[Message], followups: Followups) -> list[str]:
    """The titles of what the sandbox finds, in the order in which the model would read them."""
    found = [
        search(CORPUS, SearchRequest(each.text, max_results=each.results))
        for each in questions(messages, followups)
    ]
    merged = interleave(found, 5, key=lambda result: str(result["chunk_id"]))
    return [result["source"]["title"] for result in merged]


def asked(kind: Kind) -> list[tuple[str, Asked]]:
    """The questions of a kind, each after the one before it."""
    pairs = [pair for each in CONVERSATIONS for pair in pairwise(each.turns)]
    return [(before.ask, turn) for before, turn in pairs if turn.kind == kind]


@pytest.mark.parametrize(("followups", "number"), [("merge", 13), ("off", 9)])
def test_so_many_follow_ups_of_the_quality_questions_find_their_document(
    followups: Followups, number: int
) -> None:
    cases = asked("follow-up")
    right = [
        turn for before, turn in cases if turn.title in finds(said(before, turn.ask), followups)
    ]
    assert (len(right), len(cases)) == (number, 13)


def test_a_change_of_topic_finds_its_document_first_as_without_the_second_search() -> None:
    for language in ("en", "fr", "de", "es"):
        turns = [t for c in CONVERSATIONS if c.language == language for t in c.turns]
        known = [each for each in turns if each.kind in ("known", "change")]
        for before, after in permutations(known, 2):
            if before.document != after.document:
                assert finds(said(before.ask, after.ask), "merge")[0] == after.title
