import unicodedata

from proxy.sandbox.documents.stopwords import STOP_WORDS


def test_stop_words_are_written_as_they_are_compared() -> None:
    assert all(word == unicodedata.normalize("NFD", word).casefold() for word in STOP_WORDS)
    assert all(word.isascii() and word.isalpha() for word in STOP_WORDS)


def test_questions_in_three_languages_lose_only_what_says_nothing() -> None:
    questions = (
        "how do i scope a request to a workspace",
        "comment est ce que je peux demander des vacances",
        "wie kann ich einen urlaub beantragen",
    )
    kept = [[word for word in text.split() if word not in STOP_WORDS] for text in questions]
    assert kept == [
        ["scope", "request", "workspace"],
        ["comment", "demander", "vacances"],
        ["urlaub", "beantragen"],
    ]
