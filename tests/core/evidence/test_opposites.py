from proxy.core.evidence.opposites import (
    ALWAYS,
    BEFORE_MAY,
    LIKE_ALWAYS,
    LIMITS,
    NEGATIONS,
    OPPOSITES,
    RESTRICTIONS,
)
from proxy.core.evidence.tokens import fold


def test_all_words_are_folded() -> None:
    words = NEGATIONS | RESTRICTIONS | LIKE_ALWAYS | ALWAYS | LIMITS | BEFORE_MAY | {*OPPOSITES}
    assert [each for each in words if fold(each) != each] == []


def test_opposites_are_mutual() -> None:
    assert all(word in OPPOSITES[other] for word, others in OPPOSITES.items() for other in others)


def test_a_word_is_not_its_own_opposite() -> None:
    assert [word for word, others in OPPOSITES.items() if word in others] == []
