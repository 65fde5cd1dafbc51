"""What a model's name says, and what follows from it."""

import pytest

from bench.script import (
    PASSAGE_CHARS,
    Script,
    citations,
    find_script,
    fingerprint,
    question,
    read_text,
    search_results,
)


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("bench-103x5ms", Script(chunks=103, gap_s=0.005)),
        ("bench-8x0ms-held", Script(chunks=8, held=True)),
        (
            "bench-23x20ms-first300ms-search200ms",
            Script(chunks=23, gap_s=0.02, first_s=0.3, search_s=0.2),
        ),
    ],
)
def test_a_name_and_its_script_say_the_same(name: str, script: Script) -> None:
    assert find_script(name) == script
    assert script.model == name


@pytest.mark.parametrize("name", ["gpt-4o", "bench-", "bench-5x5ms"])
def test_a_name_without_a_script_has_none(name: str) -> None:
    assert find_script(name) is None


def test_a_question_holds_its_script_and_is_like_no_other() -> None:
    script = Script(chunks=8, search_s=0.2)
    assert find_script(question(script, 1)) == script
    assert question(script, 1) != question(script, 2)


def test_pieces_all_differ_so_that_none_can_stand_for_another() -> None:
    pieces = Script(chunks=103).pieces
    assert len(pieces) == len(set(pieces)) == 101


def test_a_search_may_start_before_its_round_has_ended() -> None:
    hidden_behind_the_round = Script(chunks=8, gap_s=0.1, search_s=0.1)
    assert hidden_behind_the_round.loop_s == pytest.approx(0.8)
    longer_than_the_round = Script(chunks=8, gap_s=0.1, first_s=1, search_s=0.5)
    assert longer_than_the_round.loop_s == pytest.approx(1 + 0.6 + 0.5 + 1)


def test_search_results_are_five_passages_of_their_own() -> None:
    contents = [result["content"] for result in search_results()["results"]]
    assert [len(content) for content in contents] == [PASSAGE_CHARS] * 5
    assert all(fingerprint(n) in content for n, content in enumerate(contents, 1))


def test_citations_point_at_their_markers() -> None:
    script = Script(chunks=103)
    found = [each["url_citation"] for each in citations(script)]
    text = read_text(script)
    assert [text[each["start_index"] : each["end_index"]] for each in found] == [
        "[1]",
        "[2]",
    ]
