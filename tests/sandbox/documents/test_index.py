import math
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sandbox.documents.index import MOST_TERMS, Entry, Hit, Index, search_terms


def entry(content: str, headings: str = "", title: str = "") -> Entry:
    return Entry(content, headings, title)


def index(*contents: str) -> Index:
    return Index(map(entry, contents))


def search(searched: Index, question: str, limit: int = 10) -> list[Hit]:
    return searched.search(question, allowed=lambda _: True, limit=limit)


def found(searched: Index, question: str) -> list[int]:
    return [hit.number for hit in search(searched, question)]


ANIMALS = index("cats hunt mice", "dogs hunt cats and cats", "fish swim", "birds fly")


def test_the_best_passage_comes_first_and_others_are_left_out() -> None:
    assert found(ANIMALS, "Which mice do cats hunt?") == [0, 1]
    assert found(ANIMALS, "elephants") == []


def test_a_limit_keeps_the_best() -> None:
    assert [hit.number for hit in search(ANIMALS, "cats hunt mice", limit=1)] == [0]


def test_only_allowed_passages_are_found_and_the_limit_counts_those() -> None:
    hits = ANIMALS.search("cats hunt mice", allowed=lambda number: number == 1, limit=1)
    assert [hit.number for hit in hits] == [1]
    assert ANIMALS.search("cats", allowed=lambda _: False, limit=1) == []


@pytest.mark.parametrize("question", ["hunting", "HUNTS", "hunted", "hunt!"])
def test_words_are_found_in_other_forms(question: str) -> None:
    assert found(ANIMALS, question) == [0, 1]


def test_a_word_finds_longer_words_that_begin_with_it() -> None:
    searched = index("Der Urlaubsantrag wird geprüft.", "the art of war", "article five")
    assert found(searched, "Urlaub") == [0]
    assert found(searched, "art") == [1]


def test_accents_do_not_matter() -> None:
    searched = index("Le congé payé", "Prüfung der Anträge")
    assert found(searched, "conge") == [0]
    assert found(searched, "Pru\u0308fung") == [1]


def test_a_heading_counts_for_more_than_the_text() -> None:
    searched = Index([entry("limits and scope"), entry("limits", headings="scope")])
    assert found(searched, "scope") == [1, 0]


def test_a_word_that_every_passage_holds_still_ranks_them() -> None:
    searched = Index([entry("scope a"), entry("scope b", headings="scope"), entry("scope c")])
    best, second, _ = search(searched, "scope")
    assert best.number == 1
    assert best.bm25 - second.bm25 > 0.01


def test_a_title_is_searched_where_there_is_no_text() -> None:
    assert found(Index([entry("", title="Floor plan")]), "floor plan") == [0]


def test_a_hit_says_how_much_of_the_question_it_holds() -> None:
    first, second = search(ANIMALS, "cats hunt mice")
    assert (first.share, first.coverage) == (1.0, 1.0)
    assert second.share == 2 / 3
    assert 0 < second.coverage < second.share, "the missing word is the rarest one"
    assert first.bm25 > second.bm25 > 0


def test_the_coverage_weighs_terms_as_bm25_does() -> None:
    _, second = search(ANIMALS, "cats hunt mice")
    in_one, in_two = math.log(1 + 3.5 / 1.5), math.log(1 + 2.5 / 2.5)
    assert second.coverage == pytest.approx(2 * in_two / (in_one + 2 * in_two))


def test_words_that_occur_nowhere_lower_the_coverage() -> None:
    (hit,) = search(ANIMALS, "swim with elephants")
    assert hit.share == 0.5
    assert 0 < hit.coverage < 0.5


def test_equal_passages_come_in_their_own_order() -> None:
    assert found(index("same", "same", "same"), "same") == [0, 1, 2]


def test_words_joined_by_underscores_are_searched_as_a_phrase() -> None:
    searched = index("max_results is 10", "results of a max", "max results")
    assert found(searched, "max_results") == [2, 0]


def test_an_empty_index_finds_nothing() -> None:
    assert found(index(), "cats") == []


def test_terms_are_what_is_left_without_stop_words_each_once() -> None:
    assert search_terms("How do I scope a request? Scope, scope.") == ("scope", "request")
    assert search_terms("Können wir Über-Stunden buchen?") == ("stunden", "buchen")


def test_a_question_of_stop_words_alone_is_searched_by_them() -> None:
    assert search_terms("What is it?") == ("what", "is", "it")


@pytest.mark.parametrize("question", ["", "   ", "?!", "🙂", "__", "\x00"])
def test_a_question_without_words_has_no_terms_and_finds_nothing(question: str) -> None:
    assert search_terms(question) == ()
    assert search(ANIMALS, question) == []


def test_only_the_first_words_of_a_very_long_question_count() -> None:
    assert len(search_terms(" ".join(f"word{number}" for number in range(100)))) == MOST_TERMS


@pytest.mark.parametrize(
    "question",
    [
        'cats" OR "mice',
        "cats AND NOT mice",
        "NEAR(cats mice, 2)",
        "content: cats",
        "{content headings}: cats",
        "cats*",
        "^cats",
        "-cats + dogs",
        "'; DROP TABLE passage; --",
    ],
)
def test_the_search_languages_own_signs_are_only_text(question: str) -> None:
    assert set(found(ANIMALS, f"{question} cats")) == {0, 1}


@given(st.text(max_size=200))
def test_no_question_is_an_error(question: str) -> None:
    for hit in search(ANIMALS, question):
        assert 0 < hit.coverage <= 1
        assert 0 < hit.share <= 1


def test_it_can_be_searched_from_many_threads() -> None:
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: found(ANIMALS, "mice cats"), range(64)))
    assert results == [[0, 1]] * 64


@pytest.mark.parametrize("question", ["Straßenbahn", "STRASSENBAHN", "Strassen­bahn"])
def test_text_and_question_are_folded_alike(question: str) -> None:
    searched = index("Die Straßenbahn fährt.", "Das Auto fährt.")
    assert found(searched, question) == [0]
    assert found(index("the ﬁnal oﬀer"), "final offer") == [0]


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("東京都庁の有給休暇は年に二十日です。", "有給休暇は何日ですか"),
        ("公司的年假是二十天。", "年假有多少天"),
        ("직원의 휴가는 이십 일입니다.", "휴가를 며칠 받나요"),
        ("データベースを保存する", "ベース"),
        ("庭に犬がいる", "犬"),
    ],
)
def test_text_without_spaces_is_found_by_words_inside_it(text: str, question: str) -> None:
    assert found(index("別の話です。", text, "另外一件事"), question)[0] == 1
