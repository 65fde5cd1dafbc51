from proxy.core.evidence.bearing import Source
from proxy.core.evidence.shelf import Shelf
from tests.support.steps import at_once

TEXT = "The rent is 500 euros a month. It is due on the first."
SENTENCE = "The rent is 500 euros a month."


def shelf_for(chars: int) -> Shelf:
    return Shelf(100 * chars)


def read(shelf: Shelf, text: str, title: str = "") -> Source:
    return at_once(shelf.source(text, title))


def test_a_passage_is_read_once() -> None:
    shelf = shelf_for(1_000)
    assert read(shelf, TEXT) is read(shelf, TEXT)


def test_a_shelf_without_memory_keeps_nothing() -> None:
    shelf = Shelf()
    first = read(shelf, TEXT)
    assert first.for_sentence(SENTENCE).support == "exact"
    assert read(shelf, TEXT) is not first


def test_a_kept_passage_bears_out_what_a_new_one_does() -> None:
    shelf = shelf_for(1_000)
    sentences = [SENTENCE, "The rent is 600 euros.", "Rent is due.", "Cats are small.", SENTENCE]
    assert [read(shelf, TEXT).for_sentence(each) for each in sentences] == [
        Source(TEXT).for_sentence(each) for each in sentences
    ]


def test_the_same_text_under_another_title_is_another_passage() -> None:
    shelf = shelf_for(1_000)
    sentence = "In 2024, the rent is 500 euros a month."
    titled = read(shelf, TEXT, "Lease of 2024").for_sentence(sentence)
    assert (titled.support, read(shelf, TEXT).for_sentence(sentence).support) == ("close", "weak")


def test_the_passage_that_was_cited_longest_ago_goes_first() -> None:
    shelf = shelf_for(2 * len(TEXT))
    first, second = read(shelf, TEXT), read(shelf, TEXT.upper())
    assert read(shelf, TEXT) is first
    read(shelf, TEXT.lower())
    assert read(shelf, TEXT) is first
    assert read(shelf, TEXT.upper()) is not second


def test_titles_count_and_a_passage_that_is_too_long_is_not_kept() -> None:
    shelf = shelf_for(len(TEXT) + 5)
    assert read(shelf, TEXT, "Lease") is read(shelf, TEXT, "Lease")
    long = read(shelf, TEXT, "Leases")
    assert read(shelf, TEXT, "Leases") is not long


def test_a_passage_that_two_answers_read_at_once_counts_once() -> None:
    shelf = shelf_for(2 * len(TEXT))
    one, other = shelf.source(TEXT, ""), shelf.source(TEXT, "")
    next(one)
    next(other)
    assert at_once(one).for_sentence(SENTENCE) == at_once(other).for_sentence(SENTENCE)
    second = read(shelf, TEXT.upper())
    read(shelf, TEXT)
    assert read(shelf, TEXT.upper()) is second


def test_a_passage_is_kept_for_ten_minutes_from_its_last_citation() -> None:
    now = 0.0
    shelf = Shelf(100_000, lambda: now)
    first = read(shelf, TEXT)
    now = 599.0
    assert read(shelf, TEXT) is first
    now += 599.0
    assert read(shelf, TEXT) is first
    now += 600.0
    assert read(shelf, TEXT) is not first
