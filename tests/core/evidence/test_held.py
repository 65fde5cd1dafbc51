import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.evidence.held import missing_figures

SIGNS = "0123456789.,:/-' \n€%§~[]()½aMmKkbhpq\u2019\u202f٣"

HELD = [
    ("The notice period is three months.", "Die Frist beträgt 3 Monate."),
    ("A three-month period.", "3 mois"),
    ("Eine dreimonatige Frist.", "tre mesi"),
    ("The price is €1,234.50.", "Der Preis beträgt 1.234,50 EUR."),
    ("1 234,5 euros", "EUR 1'234.5"),
    ("CHF 1\u2019234", "1 234 francs"),
    ("Revenue was 3.5 million euros.", "Umsatz: 3,5 Mio. €"),
    ("Revenue was $4.3 million.", "Revenue of $4,312,000"),
    ("Revenue was €3.5m.", "Umsatz (in Mio. EUR) | 3,5 |"),
    ("dos mil millones", "2 Mrd."),
    ("It starts on 1 March 2024.", "ab 01.03.2024"),
    ("It starts on March 1, 2024.", "2024-03-01"),
    ("It starts on 1 March 2024.", "on 01/03/2024"),
    ("It starts on 3 January 2024.", "on 01/03/2024"),
    ("In March 2024.", "on 1 March 2024"),
    ("In 2024.", "on 01.03.2024"),
    ("On 1 March 2024.", "In 2024, from 1 March on"),
    ("In March 2024.", "from March to May 2024"),
    ("On 1 March 2024.", "1\u201315 March 2024"),
    ("In the third quarter.", "Q3"),
    ("In Q3.", "im 3. Quartal"),
    ("12 months", "one year"),
    ("14 days", "two weeks"),
    ("One month.", "the fee of each month"),
    ("Half of the staff.", "50 % des Personals"),
    ("50 % of the staff.", "la moitié du personnel"),
    ("50 per cent", "50 %"),
    ("At 2 pm.", "um 14:00 Uhr"),
    ("At 14h30.", "um 14.30 Uhr"),
    ("About 12 %.", "12.3 %"),
    ("In 2023/24.", "in 2023/2024"),
    ("Section 4.2 applies.", "§ 4.2"),
    ("Version 1.2.3.", "v1.2.3"),
    ("30 calendar days", "30 Tage"),
    ("5 people [3] and [1, 2]", "fünf Personen"),
    ("zweihundert Euro", "200 €"),
    ("€500 a month", "500 EUR im Monat"),
    ("half a year", "six months"),
    ("six months", "half a year"),
]  # fmt: skip

MISSING = [
    ("The notice period is four months.", "three months (§ 4)", "four months"),
    ("3.5 billion euros", "3,5 Mio. €", "3.5 billion euros"),
    ("$4.4 million", "$4,312,000", "$4.4 million"),
    ("2 March 2024", "01.03.2024", "2 March 2024"),
    ("1 March 2023", "01.03.2024", "1 March 2023"),
    ("April 2024", "1 March 2024", "April 2024"),
    ("500 EUR", "500 USD", "500 EUR"),
    ("50 Prozent", "50 euros", "50 Prozent"),
    ("three weeks", "three months", "three weeks"),
    ("first quarter", "a fee in the third quarter", "first quarter"),
    ("3:30", "3:30 pm", "3:30"),
    ("version 1.2.4", "v1.2.3", "1.2.4"),
    ("2 years", "2,000 operating hours", "2 years"),
    ("13 %", "12.3 %", "13 %"),
    ("due settimane", "Secondo la relazione: nove settimane", "due settimane"),
    ("32 días", "23 días", "32 días"),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "passage"), HELD)
def test_a_figure_in_another_format_is_held(sentence: str, passage: str) -> None:
    assert missing_figures(sentence, [passage]) == ()


@pytest.mark.parametrize(("sentence", "passage", "missing"), MISSING)
def test_a_changed_figure_is_missing(sentence: str, passage: str, missing: str) -> None:
    assert missing_figures(sentence, [passage]) == (missing,)


def test_one_of_several_passages_is_enough() -> None:
    assert missing_figures("5 days and 7 weeks, 9 hours", ["5 days", "7 weeks"]) == ("9 hours",)


def test_a_missing_figure_is_told_once() -> None:
    assert missing_figures("5 days, then 5 days", []) == ("5 days",)


@given(st.text(alphabet=SIGNS, max_size=60))
def test_every_text_holds_its_own_figures(text: str) -> None:
    assert missing_figures(text, [text.replace("[", "(").replace("]", ")"), text]) == ()


@given(st.text(max_size=80), st.text(max_size=80))
def test_missing_figures_stand_in_the_sentence(sentence: str, passage: str) -> None:
    assert all(each in sentence for each in missing_figures(sentence, [passage]))
