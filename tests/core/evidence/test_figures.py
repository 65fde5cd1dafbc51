import pytest

from proxy.core.evidence.figures import read_figures
from proxy.core.evidence.tokens import tokenize


def sure(text: str) -> list[str]:
    figures = read_figures(text, tokenize(text)).figures
    return [text[each.start : each.end] for each in figures if each.is_sure]


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("The rent is €1,234.50 a month.", ["€1,234.50"]),
        ("Es sind 3,5 Mio. € und 12 %.", ["3,5 Mio. €", "12 %"]),
        ("Between 1 and 3 March 2024.", ["1 and 3 March 2024", "1 and 3 March 2024"]),
        ("At 2:30 pm in Q3.", ["2:30 pm", "3"]),
        ("One of the B2B sites emits CO2.", []),
        ("One month, once a year, payment is due.", ["One month"]),
        ("Version 1.2.3 of GPT-4.", ["1.2.3", "4"]),
        ("A third party, the third quarter.", ["third quarter"]),
    ],
)
def test_the_figures_of_a_sentence_are_what_it_says_in_numbers(
    text: str, figures: list[str]
) -> None:
    assert sure(text) == figures


@pytest.mark.parametrize("text", ["about 5", "rund 5", "plus de 5", "~5", "≈ 5", "more than 5"])
def test_a_rounded_figure_is_known(text: str) -> None:
    (figure,) = read_figures(text, tokenize(text)).figures
    assert figure.is_rounded


@pytest.mark.parametrize("text", ["5", "exactly 5", "de 5 jours"])
def test_other_figures_are_exact(text: str) -> None:
    assert not read_figures(text, tokenize(text)).figures[0].is_rounded


def test_a_letter_behind_a_number_may_be_a_scale_or_not() -> None:
    (figure,) = read_figures("3m", tokenize("3m")).figures
    assert figure.values == ("3000000", "3")


def test_the_name_of_a_month_may_begin_a_figure() -> None:
    (figure,) = read_figures("in March 2024", tokenize("in March 2024")).figures
    assert figure.dates == ((2024, 3, None),)


def test_words_of_no_figure_are_told() -> None:
    text = "5 months in EUR thousand"
    assert read_figures(text, tokenize(text)).words == {"in", "eur", "thousand"}
