import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.evidence.bearing import NOTHING, Claim, Source, find_evidence

PASSAGE = (
    "The lease began in 2019. Either party may end it with three months' notice. The notice must be"
    " in writing. The deposit is 1,200 euros, and it is not refunded before the keys are returned."
)


@pytest.mark.parametrize(
    ("sentence", "quote", "support"),
    [
        ("The notice must be in writing.", "The notice must be in writing.", "exact"),
        ("the notice must be *in writing*", "The notice must be in writing.", "exact"),
        (
            "Either party can end the lease with a notice of 3 months.",
            "Either party may end it with three months' notice.",
            "close",
        ),
        (
            "Either party may end it with six months' notice.",
            "Either party may end it with three months' notice.",
            "weak",
        ),
        ("The notice must not be in writing.", "The notice must be in writing.", "weak"),
        (
            "The lease began in 2019, and either party may end it with notice.",
            "The lease began in 2019. Either party may end it with three months' notice.",
            "close",
        ),
        ("Heating is billed by consumption each winter.", "", "none"),
    ],
)
def test_the_sentences_that_bear_out_most_are_quoted(
    sentence: str, quote: str, support: str
) -> None:
    assert find_evidence(sentence, PASSAGE) == (quote, support)


def test_a_denial_just_before_a_verbatim_run_is_seen() -> None:
    passage = "No backend server is required for local work."
    assert find_evidence("Backend server is required.", passage).support == "weak"


def test_of_several_sentences_the_weakest_counts() -> None:
    sentence = "The notice must be in writing. It is sent to Slack each morning."
    assert find_evidence(sentence, PASSAGE) == NOTHING


def test_a_clause_that_the_passage_lacks_weakens() -> None:
    sentence = (
        "Either party may end the lease with three months' notice, and garages cost extra money."
    )
    assert find_evidence(sentence, PASSAGE).support == "weak"


def test_a_title_helps_and_is_not_quoted() -> None:
    source = Source("Revenue was 5 million euros.", title="Acme annual report 2024")
    found = source.for_sentence("In 2024, revenue of Acme was 5 million euros.")
    assert found == ("Revenue was 5 million euros.", "close")


@pytest.mark.parametrize("passage", ["", "   ", "the of and"])
def test_without_words_there_is_nothing(passage: str) -> None:
    assert find_evidence("The rent is due.", passage) == NOTHING
    assert find_evidence(passage, PASSAGE) == NOTHING


def test_one_claim_may_be_asked_of_many_sources() -> None:
    claim = Claim("The notice must be in writing.")
    found = [Source(each).for_claim(claim, is_whole=True).support for each in (PASSAGE, "Rent.")]
    assert found == ["exact", "none"]


TEXT = st.text(alphabet="abTN 12.,!?\n|-#not", max_size=120)


@given(TEXT, TEXT)
def test_a_quote_stands_in_the_passage(sentence: str, passage: str) -> None:
    found = find_evidence(sentence, passage)
    assert found.quote in passage
    assert bool(found.quote) is (found.support != "none")


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_text_can_be_asked(sentence: str, passage: str) -> None:
    assert find_evidence(sentence, passage).quote in passage
