import pytest

from proxy.core.text.markers import Bracket, brackets_in, read_bracket
from proxy.core.text.window import Wait
from tests.core.text.samples import begun, whole

FORMS = {
    "[1]": (1,),
    "[ 1 ]": (1,),
    "[1, 2]": (1, 2),
    "[1,2,3]": (1, 2, 3),
    "[1; 2]": (1, 2),
    "[1 and 2]": (1, 2),
    "[1, 2 und 3]": (1, 2, 3),
    "[1 & 2]": (1, 2),
    "[1,2 ,\n3]": (1, 2, 3),
    "[1, 1]": (1,),
    "[[1]]": (1,),
    "[[1, 2]]": (1, 2),
    "[1-3]": (1, 2, 3),
    "[1\u20133]": (1, 2, 3),
    "[1—3]": (1, 2, 3),
    "[1\u20113]": (1, 2, 3),
    "[1 - 3]": (1, 2, 3),
    "[1 to 3]": (1, 2, 3),
    "[1 bis 3, 5]": (1, 2, 3, 5),
    "[1-2; 4]": (1, 2, 4),
    "［1］": (1,),
    "［\uff11］": (1,),
    "[१]": (1,),
    "[^1]": (1,),
    "【1】": (1,),
    "【1†source】": (1,),
    "【1†L10-L12】": (1,),
    "【1:0†source】": (1,),
    "【10:13†chunk】": (10,),
    "【1, 2】": (1, 2),
    "【1-3】": (1, 2, 3),
    "[1†source]": (1,),
    "[passage 3]": (3,),
    "[Passage 3]": (3,),
    "[passages 1 and 2]": (1, 2),
    "[Passages 1-3]": (1, 2, 3),
    "[Source 3]": (3,),
    "[Source: 3]": (3,),
    "[Sources: 1, 3]": (1, 3),
    "[Source 1, Source 3]": (1, 3),
    "[Quelle 3]": (3,),
    "[Quellen 1 und 3]": (1, 3),
    "[fonte 2]": (2,),
    "[Fuente 2]": (2,),
    "[doc 2]": (2,),
    "[Document 2]": (2,),
    "[ref. 2]": (2,),
    "[n=3]": (3,),
    "[n=3, n=4]": (3, 4),
    "[#3]": (3,),
    "[3, p. 4]": (3,),
    "[3, p.4]": (3,),
    "[3, p. 4-5]": (3,),
    "[3, pp. 4-5]": (3,),
    "[3, pp. 4, 5]": (3,),
    "[3 p. 4]": (3,),
    "[3, page 4]": (3,),
    "[3, S. 4]": (3,),
    "[3, S. 4 f.]": (3,),
    "[3, Seite 4]": (3,),
    "[3, pág. 4]": (3,),
    "[3, pagina 4]": (3,),
    "[3, §4.2]": (3,),
    "[3, section 4.2]": (3,),
    "[1, page 2; 3]": (1, 3),
    "[1, p. 2, 3, p. 4]": (1, 3),
    "[Source 3, page 4]": (3,),
    "[3 (p. 4)]": (3,),
    "[3, pp. 4 and 5]": (3,),
    "[3, p. 4, 5]": (3,),
    "[3, p. 4, p. 5]": (3,),
    "[3, p. 4 5]": (3,),
    "[3, p. 4; 5]": (3, 5),
    "[3, p. 4, 5, p. 6]": (3, 5),
    "[3, p. 4, passage 5]": (3, 5),
    "[2, 3, p. 4]": (2, 3),
    "[3, § 4 Abs. 2]": (3,),
    "[3, Nr. 4]": (3,),
    "[3, n° 4]": (3,),
    "[3, n. 4, 5]": (3,),
    "[Nr. 3, Nr. 4]": (3, 4),
    "[3, paragraph 4]": (3,),
    "[3, cap. 4]": (3,),
    "[3, Ziffer 4]": (3,),
    "[3, Rn. 4]": (3,),
    "[3, Tabelle 4]": (3,),
    "[3, apartado 4]": (3,),
    "[Passaggio 3]": (3,),
    "[Passaggi 2 e 3]": (2, 3),
    "[Pasaje 3]": (3,),
    "[Passage n° 3]": (3,),
    "[Fragmento 3]": (3,),
    "[Beleg 3]": (3,),
    "[Textstelle 3]": (3,),
    "[citation 3]": (3,),
    "[cite: 3]": (3,),
    "[cite:3, 4]": (3, 4),
    "[source_3]": (3,),
    "[passage-3]": (3,),
    "[passage n=3]": (3,),
    '[n="3"]': (3,),
    "[n='3', n='4']": (3, 4),
    "[see 3]": (3,),
    "[see also 3, 4]": (3, 4),
    "[voir 3]": (3,),
    "[siehe 3]": (3,),
    "[vgl. 3]": (3,),
    "[Source: passage 3]": (3,),
    "[2 3]": (2, 3),
    "[2/3]": (2, 3),
    "[**3**]": (3,),
    "[2024]": (2024,),
    "[0, 1]": (0, 1),
}


@pytest.mark.parametrize("text", FORMS)
def test_every_form_that_models_write_is_read(text: str) -> None:
    bracket = read_bracket(whole(f"x {text} y"), 2)
    assert isinstance(bracket, Bracket)
    assert (bracket.numbers, bracket.end) == (FORMS[text], 2 + len(text))


@pytest.mark.parametrize(
    "text",
    [
        *("[]", "[ ]", "[a]", "[1a]", "[a1]", "[1.2]", "[-1]", "[1 02]", "[1,]", "[,1]", "[1/x]"),
        *(
            "[3-1]",
            "[1-200]",
            "[01]",
            "[12345]",
            "[10:13]",
            "[1",
            "[1)",
            "[1【",
            "[see 1 below]",
            "[as 1]",
            "[p. 4]",
        ),
        *(
            "[text of a link]",
            "[1, and more]",
            "[1" + " " * 80 + "]",
            "【a】",
            "[1】",
            "[x]",
            "[[1]",
        ),
    ],
)
def test_all_else_is_no_marker(text: str) -> None:
    assert read_bracket(whole(text), 0) is None


@pytest.mark.parametrize("text", ["[", "[1", "[1, ", "[[1", "[[1]", "【1†sou", "［", "[pass"])
def test_a_bracket_that_may_become_one_is_waited_for(text: str) -> None:
    assert isinstance(read_bracket(begun(text), 0), Wait)


def test_no_bracket_is_waited_for_longer_than_a_marker_is() -> None:
    assert read_bracket(begun("[" + "1" * 100), 0) is None


def test_all_markers_of_a_text_are_found() -> None:
    text = "a [1, 3] 【2】 [passage 4] [[5]] [6 [x] [7"
    assert [(text[at], each.end, each.numbers) for at, each in brackets_in(text)] == [
        ("[", 8, (1, 3)),
        ("【", 12, (2,)),
        ("[", 24, (4,)),
        ("[", 29, (5,)),
    ]
    assert [each.numbers for _, each in brackets_in(text, 8, 24)] == [(2,), (4,)]
    assert [each.numbers for _, each in brackets_in(text, 9, 23)] == [(2,)]
