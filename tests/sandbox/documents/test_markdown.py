import pytest

from proxy.sandbox.documents.markdown import Section, first_heading, sections


def outline(text: str) -> list[tuple[str, ...]]:
    return [section.path for section in sections(text)]


def test_a_section_knows_the_headings_above_it() -> None:
    text = "# A\none\n## B\ntwo\n\nthree\n### C\nfour\n## D\nfive\n# E\n"
    assert sections(text) == [
        Section(("A",), 1, ["# A", "one"]),
        Section(("A", "B"), 2, ["## B", "two", "three"]),
        Section(("A", "B", "C"), 3, ["### C", "four"]),
        Section(("A", "D"), 2, ["## D", "five"]),
        Section(("E",), 1, ["# E"]),
    ]


def test_text_above_the_first_heading_is_a_section_without_a_path() -> None:
    assert sections("intro\n\n# A\n") == [Section((), 0, ["intro"]), Section(("A",), 1, ["# A"])]


def test_nothing_has_no_sections() -> None:
    assert sections("\n \n") == []


@pytest.mark.parametrize("fence", ["```", "~~~~"])
def test_a_fenced_block_stays_whole_and_its_remarks_are_no_headings(fence: str) -> None:
    block = f"{fence}sh\n# no heading\n\nrun\n```x\n{fence}"
    assert sections(f"# A\n{block}\n\n## B\n") == [
        Section(("A",), 1, ["# A", block]),
        Section(("A", "B"), 2, ["## B"]),
    ]


def test_a_fence_that_is_never_closed_runs_to_the_end() -> None:
    assert outline("# A\n```\n# B\n") == [("A",)]


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("Title\n===", "Title"),
        ("Title\n---", "Title"),
        ("## `code` and **bold** ##", "code and bold"),
        ("# [A link](https://x.test) here", "A link here"),
    ],
)
def test_headings_are_read_as_plain_text(heading: str, title: str) -> None:
    assert outline(f"{heading}\n\ntext") == [(title,)]


@pytest.mark.parametrize(
    "text", ["#hashtag", "- item\n---", "| a |\n---", "    # code", "a\nb\n---"]
)
def test_what_only_looks_like_a_heading_is_text(text: str) -> None:
    assert outline(text) == [()]


def test_a_heading_without_text_ends_a_section_but_names_none() -> None:
    assert outline("# A\n## B\n## \ntext") == [("A",), ("A", "B"), ("A",)]


def test_the_line_under_a_heading_tells_its_level() -> None:
    levels = [section.level for section in sections("A\n=\n\nB\n---\n\n# C")]
    assert levels == [1, 2, 1]


def test_the_first_heading_is_found_below_other_text() -> None:
    assert first_heading("badge\n\n## Second level\n# First level") == "Second level"
    assert first_heading("no heading") is None
