import pytest

from proxy.core.text.addresses import LONGEST, Bare, Before, end_of_run, names_address, read_bare
from proxy.core.text.window import Wait
from tests.core.text.samples import begun, rules, whole


def read(text: str, begin: str, before: str = "", *, is_in_brackets: bool = False) -> Bare:
    bare = read_bare(whole(text), 0, begin, Before(before, is_in_brackets), rules())
    assert isinstance(bare, Bare)
    return bare


@pytest.mark.parametrize(
    ("text", "begin", "removed"),
    [
        ("https://evil.example/x.", "https:/", "https://evil.example/x"),
        ("https://evil.example/a(b)c), d", "https:/", "https://evil.example/a(b)c"),
        ("https://evil.example/é。次", "https:/", "https://evil.example/é"),
        ("https://evil.example](x)", "https:/", "https://evil.example"),
        ("http://=", "http:/", "http://="),
        ("ftp://evil.example", "ftp:/", "ftp://evil.example"),
        ("//evil.example/x", "//", "//evil.example/x"),
        ("//localhost", "//", "//localhost"),
        ("www.evil.example", "www.", "www.evil.example"),
        ("mailto:a@evil.example", "mailto:", "mailto:a@evil.example"),
        ("https://docs.example/12", "https:/", "https://docs.example/12"),
        ("https://docs.example@evil/", "https:/", "https://docs.example@evil/"),
        ("//docs.example/1", "//", "//docs.example/1"),
        ("//intranet.example/https://evil/", "//", "//intranet.example/https://evil/"),
    ],
)
def test_addresses_that_lead_elsewhere_go(text: str, begin: str, removed: str) -> None:
    assert read(text, begin) == Bare(len(removed), is_removed=True)


@pytest.mark.parametrize(
    ("text", "begin", "stays", "needs_space"),
    [
        ("https://docs.example/1", "https:/", "https://docs.example/1", False),
        ("https://docs.example/1). So", "https:/", "https://docs.example/1", False),
        ("https://docs.example/1](x", "https:/", "https://docs.example/1", True),
        ("https://docs.example/1]x", "https:/", "https://docs.example/1", True),
        ("https://docs.example/1]: x", "https:/", "https://docs.example/1", True),
        ("https://docs.example/1\x85x", "https:/", "https://docs.example/1", True),
        ("https://docs.example/1\x1cx", "https:/", "https://docs.example/1", True),
        ("https://docs.example/1: so", "https:/", "https://docs.example/1", True),
        ("https://docs.example/1[2]", "https:/", "https://docs.example/1", True),
        ("https://docs.example/1。次", "https:/", "https://docs.example/1", True),
        ("https://intranet.example/a/b?c", "https:/", "https://intranet.example/a/b?c", False),
        ("https:// x", "https:/", "https://", True),
    ],
)
def test_those_that_do_not_stay_apart_from_what_follows(
    text: str, begin: str, stays: str, *, needs_space: bool
) -> None:
    bare = read(text, begin)
    assert (bare.end, bare.is_removed) == (len(stays), False)
    assert bare.needs_space is needs_space


@pytest.mark.parametrize(
    ("text", "begin", "before"),
    [
        *(("// so", "//", ""), ("//a.b", "//", "x"), ("//a.b", "//", "s3:")),
        *(
            ("mailto: x", "mailto:", ""),
            ("www. x", "www.", ""),
            ("//a.b", "//", "/"),
        ),
    ],
)
def test_what_no_renderer_takes_for_an_address_stays(text: str, begin: str, before: str) -> None:
    assert read(text, begin, before) == Bare(len(begin), is_removed=False)


def test_what_would_be_an_address_if_it_went_on_keeps_apart() -> None:
    assert read("//evil", "//") == Bare(2, is_removed=False, is_address=True)
    assert read("//evil.`x", "//").is_removed


def test_an_address_that_was_cut_in_two_goes() -> None:
    assert read("//docs.example/1", "//", "xhttps:").is_removed


@pytest.mark.parametrize(
    ("text", "begin", "before"),
    [
        ("//3405803876/?d=s", "//", "xhttp:"),
        ("//evil/?d", "//", "xhttps:"),
        ("//evil", "//", "1FTP:"),
        ("ww.evil.example", "ww.", "xw"),
        ("ww.docs.example/1", "ww.", "2W"),
    ],
)
def test_an_address_in_the_midst_of_a_word_goes(text: str, begin: str, before: str) -> None:
    assert read(text, begin, before) == Bare(len(text), is_removed=True)


def test_what_begins_in_the_midst_of_a_word_is_looked_at_from_its_second_character_on() -> None:
    assert read("www.evil.example", "www.", "x") == Bare(1, is_removed=False)
    assert read("ww.evil.example", "ww.", "a") == Bare(1, is_removed=False)
    assert read("https://evil.example", "https:/", "x") == Bare(6, is_removed=False)


def test_after_a_letter_of_a_script_without_spaces_an_address_is_one() -> None:
    text = "https://docs.example/1"
    assert read(text, "https:/", "\u7167") == Bare(len(text), is_removed=False, is_address=True)


def test_an_address_in_the_text_of_a_link_needs_no_space() -> None:
    text = "https://docs.example/1](x"
    assert not read(text, "https:/", is_in_brackets=True).needs_space
    assert read("https://docs.example/1]x", "https:/", is_in_brackets=True).needs_space


def test_an_address_is_looked_at_as_far_as_anybody_would() -> None:
    text = "https://" + "x" * LONGEST
    assert isinstance(read_bare(begun(text[:100]), 0, "https:/", Before(""), rules()), Wait)
    bare = read_bare(begun(text), 0, "https:/", Before(""), rules())
    assert bare == Bare(LONGEST, is_removed=True, goes_on=True)


def test_a_run_ends_where_an_address_must_end() -> None:
    assert [end_of_run("ab" + end + "c", 0) for end in " <`[]\\\n"] == [2] * 7


@pytest.mark.parametrize(
    "text", ["evil.example/?d=x", "see Evil.Example/a b", "www.evil", "x.www.y"]
)
def test_what_looks_like_an_address_is_told(text: str) -> None:
    assert names_address(text)


@pytest.mark.parametrize(
    "text", ["", "and/or", "Nr.4/5", "e.g. this", "1.5/2.5", "https://a.b/c", "/.x/"]
)
def test_what_does_not_is_told_too(text: str) -> None:
    assert not names_address(text)
