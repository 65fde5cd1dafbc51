import pytest

from proxy.core.text.links import LinkRules, read, without_fragment
from tests.core.text.samples import HOST, rules


@pytest.mark.parametrize(
    "destination",
    [
        *("https://docs.example/1", "https://docs.example/1#page=2", "https:&#47;/docs.example/1"),
        *("https\\://docs.example/1", "#section", "#"),
        *(
            f"https://{HOST}",
            f"https://{HOST}/a?b=c&d#e",
            f"HTTP://{HOST.upper()}:80/",
            f"http://{HOST}?x",
        ),
    ],
)
def test_sources_and_hosts_are_allowed(destination: str) -> None:
    assert rules().allows(destination)


@pytest.mark.parametrize(
    "destination",
    [
        *(
            "",
            "/x",
            "x",
            "?x",
            "//docs.example/1",
            "https://docs.example/",
            "https://docs.example/12",
        ),
        *(
            "https://docs.example/1?x",
            "https://docs.example/1/",
            "http://docs.example/1",
            "#//evil",
        ),
        *("https://evil.example", f"https://{HOST}.evil.example", f"https://{HOST}@evil.example/"),
        *(
            f"https://evil.example/{HOST}",
            f"https://evil.example#@{HOST}",
            f"https://{HOST}\\@evil",
        ),
        *(
            f"https://x:y@{HOST}/",
            f"https:\\\\{HOST}",
            f"https:{HOST}",
            f"ftp://{HOST}/",
            f"//{HOST}/",
        ),
        *(f"https://{HOST}:8443/", f"https://{HOST}&#46;evil.example/", f"https://{HOST}%2eevil/"),
        *(f"https://{HOST}/\t", f"https://{HOST}。evil/", f"https://{HOST}/https://evil.example"),
        *(
            "javascript:alert(1)",
            "java\tscript:x",
            "data:text/html,x",
            "file:///etc/passwd",
            "mailto:a@b",
        ),
        *(
            "&#106;avascript:x",
            "vbscript:x",
            "blob:https://docs.example/1",
            " https://docs.example/1",
        ),
    ],
)
def test_all_else_is_not(destination: str) -> None:
    assert not rules().allows(destination)


def test_a_port_is_part_of_a_host() -> None:
    links = LinkRules("sources", hosts={"a.example:8443"})
    assert links.allows("https://a.example:8443/x")
    assert not links.allows("https://a.example/x")


def test_an_address_is_allowed_once_its_source_was_shown() -> None:
    links = LinkRules("sources")
    assert not links.allows("https://new.example/a?u=http://b.example")
    links.show("https://new.example/a?u=http://b.example#page=3")
    assert links.allows("https://new.example/a?u=http://b.example")


def test_none_allows_nothing_and_all_allows_everything() -> None:
    assert not any(map(rules("none").allows, ["https://docs.example/1", f"https://{HOST}", "#x"]))
    assert all(map(rules("all").allows, ["https://evil.example", "javascript:x", ""]))


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("https://docs.example/1", "https://docs.example/1"),
        ("https://docs.example/1).", "https://docs.example/1"),
        ("https://docs.example/1。詳しくは", "https://docs.example/1"),
        ("https://docs.example/1x", ""),
        ("https://docs.example/1.evil", ""),
        ("//intranet.example/x", "//intranet.example/x"),
        ("//docs.example/1", ""),
        ("https://docs.example/1&#1", ""),
        ("https:&#47;/docs.example/1", ""),
        ("www.intranet.example/x", ""),
        ("https://docs.example/1........................", ""),
    ],
)
def test_punctuation_at_the_end_is_no_part_of_an_address(text: str, part: str) -> None:
    assert rules().allowed_part(text) == len(part)


def test_an_address_that_begins_with_www_is_one_of_the_web() -> None:
    assert LinkRules("sources", ["https://www.a.example/x"]).allowed_part("www.a.example/x.") == 15


def test_a_destination_is_read_as_markdown_reads_it() -> None:
    assert read("a\\_b&amp;c\\d") == "a_b&c\\d"
    assert read("a_b") == "a_b"
    assert without_fragment("a#b#c") == "a"
