import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.evidence.sentences import LONGEST, sentences_of_line, sentences_of_passage


def of_line(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences_of_line(text, 0, len(text))]


def of_passage(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences_of_passage(text)]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ('He said "yes." Then no.', ['He said "yes."', "Then no."]),
        ("It is 3.5 % of 1.234,5. Next.", ["It is 3.5 % of 1.234,5.", "Next."]),
        ("See p. 4 and Art. 5 of it. Next.", ["See p. 4 and Art. 5 of it.", "Next."]),
        ("Am 3. Mai und im 3. Quartal. Dann.", ["Am 3. Mai und im 3. Quartal.", "Dann."]),
        ("Z. B. die Miete, d. h. alles. Dann.", ["Z. B. die Miete, d. h. alles.", "Dann."]),
        ("Dr. Smith met M. Dupont. They left.", ["Dr. Smith met M. Dupont.", "They left."]),
        ("It ended in 2024. Then more.", ["It ended in 2024.", "Then more."]),
        ("3. Notice is short. 4. Rent.", ["3. Notice is short.", "4. Rent."]),
        ("これは文です。次の文。", ["これは文です。", "次の文。"]),
        ("| a. B | c |", ["| a. B | c |"]),
        ("See example.com for more. Next.", ["See example.com for more.", "Next."]),
        ("", []),
    ],
)
def test_a_line_is_split_where_sentences_end(text: str, sentences: list[str]) -> None:
    assert of_line(text) == sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("A sentence that\ngoes on here. Next.", ["A sentence that\ngoes on here.", "Next."]),
        ("# Title\nText of it", ["# Title", "Text of it"]),
        ("- one item\n- two item", ["- one item", "- two item"]),
        ("| a | b |\n| c | d |", ["| a | b |", "| c | d |"]),
        ("A list:\n1. one\n2. two", ["A list:", "1. one", "2. two"]),
        ("One\n\ntwo", ["One", "two"]),
    ],
)
def test_a_line_of_a_page_may_end_within_a_sentence(text: str, sentences: list[str]) -> None:
    assert of_passage(text) == sentences


@given(st.text(alphabet="aB1 .!?|-\n#", max_size=2_000))
def test_sentences_are_short_and_lose_no_word(text: str) -> None:
    spans = list(sentences_of_passage(text))
    assert all(0 < end - start <= LONGEST for start, end in spans)
    assert "".join("".join(of_passage(text)).split()) == "".join(text.split())
