import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.evidence.index import Index
from proxy.core.evidence.tokens import tokenize
from proxy.core.evidence.words import words_of

SENTENCES = (
    "The rent is 1,200 euros over three months.",
    "Notices are due over the counter in March.",
    "Der Vertrag wurde gekündigt, 漢字 stehen im dritten Teil.",
)


def index_of(*sentences: str) -> Index:
    return Index(*map(tokenize, sentences))


@pytest.mark.parametrize(
    ("key", "counted"),
    [
        ("rent", [0]),
        ("1200", [0]),
        ("3", [0]),
        ("month 3", [1]),
        ("notic", [1]),
        ("kundig", [2]),
        ("漢字", [2]),
        ("deposit", []),
    ],
)
def test_a_word_is_found_by_its_key(key: str, counted: list[int]) -> None:
    assert list(index_of(*SENTENCES).find(key).counted) == counted


def test_a_word_without_weight_is_found_and_does_not_count() -> None:
    index = index_of(*SENTENCES)
    found = index.find("over")
    assert not found.counted
    assert found.every == {0, 1}
    assert index.has("over")
    assert not index.has("under")


def test_a_word_counts_once_in_a_sentence() -> None:
    assert list(index_of("Rent and rents and rent.", "No.", "Rent").find("rent").counted) == [0, 2]


LETTERS = st.text(alphabet="geabknt 123.,½éß漢字ﷺ㋀\uff14İMarch", max_size=60)


@given(st.lists(st.one_of(LETTERS, st.text(max_size=60)), max_size=3))
def test_every_word_is_found_where_it_stands(sentences: list[str]) -> None:
    index = index_of(*sentences)
    for number, sentence in enumerate(sentences):
        for word in words_of(sentence, tokenize(sentence)):
            found = index.find(word.key)
            assert number in found.every
            assert not word.weight or number in found.counted
