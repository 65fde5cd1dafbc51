import pytest

from proxy.sandbox.documents.sentences import (
    Passage,
    Sentence,
    best_sentences,
    find_passages,
    split,
    terms,
)

LEASE = Passage(
    "1",
    "# Lease\n\nThe notice period is three months. Pets are welcome in every flat.\n\n"
    "Rent is due on the first working day.",
)
GARDEN = Passage("2", "The garden is shared by all tenants. Notice boards hang in the hall.")


def numbered(sentence: str, times: int) -> str:
    return "".join(f"{sentence.format(n)} " for n in range(times))


def texts(markdown: str) -> list[str]:
    return [sentence.text for sentence in split(Passage("1", markdown))]


def test_passages_are_found_anywhere_in_texts() -> None:
    first = 'Use these.\n\n<passage n="1" title="A > B" page="3">\none\n</passage>\n\nand'
    second = '<passage title="n=9" n="12">two</passage>'
    assert find_passages([first, second]) == [Passage("1", "\none\n"), Passage("12", "two")]


def test_a_passage_ends_where_its_own_word_stands() -> None:
    text = '<passage-abc n="1">\none </passage> </passage-abd>\n</passage-abc> <passage-x>'
    assert find_passages([text]) == [Passage("1", "\none </passage> </passage-abd>\n")]


@pytest.mark.parametrize(
    "text",
    ["no passages", "<passage>x</passage>", '<passage n="1">open', '<passages n="1"></passages>'],
)
def test_what_is_no_numbered_passage_is_left(text: str) -> None:
    assert find_passages([text]) == []


def test_the_sentence_that_shares_most_words_is_found() -> None:
    found = best_sentences("How long is the notice period?", [GARDEN, LEASE])
    assert Sentence("1", "The notice period is three months.", "Lease") in found
    assert all("Pets" not in each.text for each in found)


def test_sentences_come_in_reading_order() -> None:
    found = best_sentences("notice period", [GARDEN, LEASE])
    assert [(each.n, each.text) for each in found] == [
        ("2", "Notice boards hang in the hall."),
        ("1", "The notice period is three months."),
    ]


def test_at_most_four_sentences_are_quoted() -> None:
    many = [Passage(str(n), f"Badger number {n} sleeps.") for n in range(1, 10)]
    assert [each.n for each in best_sentences("badger", many)] == ["1", "2", "3", "4"]


def test_beyond_two_only_sentences_that_fit_nearly_as_well_are_quoted() -> None:
    passage = Passage(
        "1",
        "Badgers dig deep tunnels. Tunnels need much light. Tunnels have two exits. Bees can fly.",
    )
    found = [each.text for each in best_sentences("deep tunnels of badgers", [passage])]
    assert found == ["Badgers dig deep tunnels.", "Tunnels need much light."]


def test_a_rare_word_counts_more_than_a_common_one() -> None:
    passage = Passage("1", numbered("Badger {} sleeps.", 6))
    zebra = Passage("2", "Zebras run far.")
    assert zebra.text in [each.text for each in best_sentences("badger zebra", [passage, zebra])]


def test_two_words_of_the_question_count_more_than_one_rare_word() -> None:
    passage = Passage("1", numbered("Badger {} has a tunnel.", 6) + numbered("Bees sleep {}.", 3))
    zebra = Passage("2", "Zebras run far.")
    found = best_sentences("badger tunnel zebra lion", [passage, zebra])
    assert zebra.text not in [each.text for each in found]


def test_equal_sentences_are_quoted_once() -> None:
    copy = Passage("7", LEASE.text)
    assert [each.n for each in best_sentences("three months", [LEASE, copy])] == ["1"]


@pytest.mark.parametrize("question", ["What is the speed of light?", "", "What is it?"])
def test_nothing_is_quoted_for_a_question_that_shares_no_telling_word(question: str) -> None:
    assert best_sentences(question, [LEASE, GARDEN]) == []


def test_a_heading_speaks_for_the_sentences_below_it() -> None:
    passage = Passage("1", "# Pets\n\nAsk the landlord first.\n\n# Bicycles\n\nUse the cellar.")
    assert [each.text for each in best_sentences("bicycle", [passage])] == ["Use the cellar."]


def test_a_word_in_the_sentence_counts_more_than_one_in_the_heading() -> None:
    passage = Passage(
        "1", "# Pets\n\nAsk the landlord first. Some pets need a permit. No more here."
    )
    found = best_sentences("pets", [passage])
    assert "Some pets need a permit." in [each.text for each in found]
    assert len(found) == 3


def test_a_long_sentence_is_discounted() -> None:
    padding = " ".join(f"word{n}" for n in range(45))
    long, short = f"Badgers {padding}.", "Badgers eat worms."
    others = "Badgers dig holes. Badgers sleep now."
    found = best_sentences("badgers", [Passage("1", f"{long} {short} {others} {short[:-1]} too.")])
    assert long not in [each.text for each in found]


@pytest.mark.parametrize(
    ("one", "other"),
    [("searches", "search"), ("queries", "query"), ("indexing", "index"), ("answered", "answers")],
)
def test_forms_of_a_word_have_one_stem(one: str, other: str) -> None:
    assert terms(one) == terms(other)


def test_short_words_keep_their_endings() -> None:
    assert terms("does the bed sing") == {"bed", "sing"}


@pytest.mark.parametrize(
    ("markdown", "sentences"),
    [
        ("One two three. Four five six! Seven?", ["One two three.", "Four five six!"]),
        ("Bring pens, e.g. Blue ones.", ["Bring pens, e.g. Blue ones."]),
        ("Set it to 4.5 volts now.", ["Set it to 4.5 volts now."]),
        (
            'He said "Stop right there." Then he left.',
            ['He said "Stop right there.', "Then he left."],
        ),
        ("A line that\nis wrapped here.", ["A line that is wrapped here."]),
        ("- first of all\n- second of all\n  goes on", ["first of all", "second of all goes on"]),
        ("1. do this first\n2) do that next", ["do this first", "do that next"]),
        ("> quoted words stand here", ["quoted words stand here"]),
        ("| Key | Use |\n|---|---|\n| port | where it listens |", ["port: where it listens"]),
        ("See **bold** and `code` and *this*.", ["See bold and `code` and this."]),
        ("2 * 3 * 4 is more", ["2 * 3 * 4 is more"]),
        ("Set `RAG_PROXY_PORT` and go on", ["Set `RAG_PROXY_PORT` and go on"]),
        ("Read [the guide](https://x.test/a) first, see [3].", ["Read the guide first, see."]),
        ("Write it like `[1]`, see [3].", ["Write it like `[1]`, see."]),
        ("Type ``a ` **b**`` or `[x](y)` here", ["Type ``a ` **b**`` or `[x](y)` here"]),
        ("Read [`guide.md`](https://x.test/a) first", ["Read `guide.md` first"]),
        ("A lone ` is dropped", ["A lone is dropped"]),
        (
            "Say `go now please. Then see [2]` and more",
            ["Say go now please.", "Then see and more"],
        ),
        ("![logo](a.png) The name says all", ["The name says all"]),
        (
            "Run this now:\n```sh\nmake all the things\n```\nand wait for it",
            ["Run this now: and wait for it"],
        ),
        ("# Heading of this text\n\nBody of this text", ["Body of this text"]),
        ("Too short", []),
    ],
)
def test_markdown_is_cut_into_plain_sentences(markdown: str, sentences: list[str]) -> None:
    assert texts(markdown) == sentences


def test_code_that_is_cut_short_is_not_left_open() -> None:
    (sentence,) = texts(f"See `{'word ' * 200}`")
    assert sentence.startswith("See word")
    assert "`" not in sentence


def test_a_sentence_without_an_end_is_shortened() -> None:
    (sentence,) = texts("word " * 200)
    assert len(sentence) <= 402
    assert sentence.endswith("word …")


def test_sentences_are_folded_as_the_question_is() -> None:
    passage = Passage("1", "Die Straßenbahn fährt alle zehn Minuten. Der Bus ist oft spät.")
    found = best_sentences("STRASSENBAHN", [passage])
    assert [each.text for each in found] == ["Die Straßenbahn fährt alle zehn Minuten."]


def test_sentences_without_spaces_are_parted_and_quoted() -> None:
    passage = Passage("1", "公司在上海。年假是二十天。「可以提前申请！」")
    assert texts(passage.text) == ["公司在上海。", "年假是二十天。", "「可以提前申请！」"]
    assert [each.text for each in best_sentences("年假有多少天", [passage])] == ["年假是二十天。"]
