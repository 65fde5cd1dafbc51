from proxy.core.evidence.opposites import NEGATIONS
from proxy.core.evidence.stopwords import STOP_WORDS
from proxy.core.evidence.tokens import fold


def test_all_words_are_folded() -> None:
    assert [each for each in STOP_WORDS if fold(each) != each] == []


def test_the_common_denials_have_no_weight() -> None:
    assert {"not", "no", "nicht", "pas", "non"} <= STOP_WORDS & NEGATIONS
