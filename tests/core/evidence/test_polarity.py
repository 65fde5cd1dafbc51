import pytest

from proxy.core.evidence.polarity import Stance, opposes, stance_of
from proxy.core.evidence.tokens import tokenize
from proxy.core.evidence.words import words_of


def stance(text: str) -> Stance:
    return stance_of(words_of(text, tokenize(text)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The deposit is refundable.", "The deposit is not refundable."),
        ("Customers can export keys.", "Customers can't export keys."),
        ("Members may vote.", "Only members may vote."),
        ("A server is required.", "No server is required."),
        ("La caution est remboursée.", "La caution n'est pas remboursée."),
        ("La caution est remboursée.", "La caution n'est jamais remboursée."),
        ("Die Kaution wird erstattet.", "Die Kaution wird nicht erstattet."),
        ("Der Mieter zahlt die Kaution.", "Der Mieter zahlt die Kaution nicht."),
        ("Haustiere sind erlaubt.", "Es sind keine Haustiere erlaubt."),
        ("El depósito se devuelve.", "El depósito nunca se devuelve."),
        ("El depósito se devuelve.", "Solo el depósito se devuelve."),
        ("Il deposito è rimborsato.", "Il deposito non è mai rimborsato."),
        ("Subletting is allowed.", "Subletting is prohibited."),
        ("Revenue increased.", "Revenue decreased."),
        ("Data is encrypted.", "Data is unencrypted."),
        ("mindestens 40 Prozent", "höchstens 40 Prozent"),
    ],
)
def test_a_word_on_one_side_turns_the_meaning_round(one: str, other: str) -> None:
    assert opposes(stance(one), stance(other))
    assert opposes(stance(other), stance(one))


@pytest.mark.parametrize(
    ("claim", "passage"),
    [
        ("The deposit is not refundable.", "Deposits are not refundable."),
        ("No refund is given.", "The price is not refunded."),
        ("Employees may work at home.", "Employees may work at home, but not abroad."),
        ("Notice is due 30 days before.", "Notice is due not later than 30 days before."),
        ("Members and guests may vote.", "Not only members but also guests may vote."),
        ("See rule 5.", "See No. 5 of the rule."),
        ("Il contratto inizia.", "Der Vertrag beginnt im Mai."),
        ("Only members vote.", "Members exclusively vote."),
        ("It always works.", "It works every time."),
    ],
)
def test_what_agrees_is_not_opposed(claim: str, passage: str) -> None:
    assert not opposes(stance(claim), stance(passage))


def test_always_needs_a_passage_that_says_so() -> None:
    assert opposes(stance("It always works."), stance("It works."))


def test_another_thing_is_denied() -> None:
    claim, passage = "Work is not allowed, at no cost.", "Work is allowed, at no cost."
    assert opposes(stance(claim), stance(passage))
