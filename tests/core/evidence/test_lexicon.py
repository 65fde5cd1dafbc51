from proxy.core.evidence.lexicon import by_word, word_set


def test_all_words_of_all_lines_are_in_the_set() -> None:
    assert word_set("a b", "b c") == {"a", "b", "c"}


def test_each_word_of_a_line_means_what_the_line_means() -> None:
    assert by_word({1: "one un", 2: "two"}) == {"one": 1, "un": 1, "two": 2}
