import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sandbox.documents.chunks import FULL, LIMIT, SHORT, Chunk, split
from proxy.sandbox.documents.pdf import Page
from proxy.sandbox.documents.reading import Reading

SENTENCE = "The quick brown fox jumps over the lazy dog. "


def markdown(text: str) -> list[Chunk]:
    return split(Reading("markdown", len(text), text=text))


def plain(text: str) -> list[Chunk]:
    return split(Reading("text", len(text), text=text))


def paragraph(length: int) -> str:
    return (SENTENCE * (length // len(SENTENCE) + 1))[:length].strip()


def test_short_sections_that_follow_each_other_share_a_chunk() -> None:
    text = "# A\n\nintro\n\n## B\n\nfirst\n\n## C\n\nsecond"
    assert markdown(text) == [Chunk(text, ("A", "B", "C"))]


def test_long_sections_have_chunks_of_their_own() -> None:
    first, second = paragraph(900), paragraph(800)
    assert markdown(f"# A\n\n{first}\n\n## B\n\n{second}") == [
        Chunk(f"# A\n\n{first}", ("A",)),
        Chunk(f"## B\n\n{second}", ("A", "B")),
    ]


def test_a_heading_is_not_left_alone_above_a_long_section() -> None:
    chunks = markdown(f"# A\n\n## B\n\n{paragraph(1300)}")
    assert [chunk.section for chunk in chunks] == [("A", "B")]


def test_a_new_top_heading_begins_a_new_chunk() -> None:
    assert [chunk.section for chunk in markdown("# A\n\none\n\n# B\n\ntwo")] == [("A",), ("B",)]


def test_a_section_is_not_joined_with_the_next_one_of_a_higher_level() -> None:
    chunks = markdown("## A\n\n" + paragraph(1100) + "\n\n### B\n\nb\n\n## C\n\nc")
    assert [chunk.section for chunk in chunks] == [("A",), ("A", "B"), ("C",)]


def test_a_section_with_others_below_it_begins_anew() -> None:
    chunks = markdown("# A\n\n" + paragraph(300) + "\n\n## B\n\nb\n\n## C\n\n### D\n\nd")
    assert [chunk.section for chunk in chunks] == [("A", "B"), ("A", "C", "D")]


@pytest.mark.parametrize(("total", "count"), [(FULL, 1), (FULL + 1, 2)])
def test_sections_share_a_chunk_up_to_its_full_length(total: int, count: int) -> None:
    first = "## A\n\n" + "a" * 496  # 500 characters without the blank line
    second = "## B\n\n" + "b" * (total - 504)
    assert len(markdown(f"{first}\n\n{second}")) == count


@pytest.mark.parametrize(("length", "count"), [(SHORT - 1, 1), (SHORT, 2)])
def test_a_short_introduction_stays_with_a_long_section_below_it(length: int, count: int) -> None:
    intro = "# A\n\n" + "a" * (length - 3)
    assert len(markdown(f"{intro}\n\n## B\n\n{'b' * 1200}")) == count


def test_a_short_section_does_not_pull_in_a_long_one_beside_it() -> None:
    chunks = markdown(f"## A\n\na\n\n## B\n\n{paragraph(1200)}")
    assert [chunk.section for chunk in chunks] == [("A",), ("B",)]


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ([999, 499], [1500]),
        ([999, 500], [999, 500]),
        ([1000, 400], [1000, 400]),
        ([1000, 199], [1201]),
        ([1000, 200], [1000, 200]),
        ([1299, 199], [1500]),
        ([1300, 199], [1300, 199]),
        ([1000, 1000, 199], [1000, 1201]),
        ([1500], [1500]),
        ([1501], [1500, 1]),
    ],
)
def test_paragraphs_share_a_chunk_as_far_as_they_fit(
    lengths: list[int], expected: list[int]
) -> None:
    text = "\n\n".join("x" * length for length in lengths)
    assert [len(str(chunk.content)) for chunk in plain(text)] == expected


@pytest.mark.parametrize(("length", "expected"), [(499, [1500, 1000]), (500, [1000, 500, 1000])])
def test_lines_of_a_long_paragraph_share_a_chunk_as_far_as_they_fit(
    length: int, expected: list[int]
) -> None:
    chunks = plain(f"{'x' * 1000}\n{'y' * length}\n{'z' * 1000}")
    assert [len(str(chunk.content)) for chunk in chunks] == expected


def test_a_paragraph_that_fits_is_left_as_it_is() -> None:
    text = "if x:\n    run()  # now.  Really"
    assert plain(text) == [Chunk(text)]


def test_a_long_section_is_split_between_paragraphs() -> None:
    paragraphs = [paragraph(600) for _ in range(4)]
    chunks = markdown("# A\n\n" + "\n\n".join(paragraphs))
    assert [chunk.content for chunk in chunks] == [
        "# A\n\n" + "\n\n".join(paragraphs[:2]),
        "\n\n".join(paragraphs[2:]),
    ]
    assert {chunk.section for chunk in chunks} == {("A",)}


def test_a_short_remainder_stays_with_the_paragraphs_before_it() -> None:
    assert len(plain(f"{paragraph(1100)}\n\nThe end.")) == 1


def test_a_paragraph_that_is_too_long_is_split_between_lines_then_sentences() -> None:
    lines = "\n".join([paragraph(700), paragraph(700), paragraph(700)])
    for chunk in plain(paragraph(4000))[:-1]:
        assert str(chunk.content).startswith("The quick")
        assert str(chunk.content).endswith("lazy dog.")
    assert [len(str(chunk.content)) // 700 for chunk in plain(lines)] == [2, 1]


def test_a_pdf_page_is_a_border() -> None:
    pages = (Page("one", 1, 1), Page(None, 1, 1), Page(paragraph(2000), 1, 1))
    chunks = split(Reading("pdf", 9, pages=pages))
    assert chunks[:2] == [Chunk("one", page=1), Chunk(None, page=2)]
    assert [chunk.page for chunk in chunks[2:]] == [3, 3]


@given(st.text(alphabet="ab# \n.`", max_size=6000).filter(str.strip))
def test_no_chunk_is_empty_or_too_long_and_nothing_is_lost(text: str) -> None:
    for chunks in (markdown(text), plain(text)):
        contents = [str(chunk.content) for chunk in chunks]
        assert all(0 < len(content) <= LIMIT for content in contents)
        assert "".join("".join(contents).split()) == "".join(text.split())


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=4))
def test_words_of_any_length_are_split_at_the_limit(lengths: list[int]) -> None:
    text = " ".join("x" * length for length in lengths)
    contents = [str(chunk.content) for chunk in plain(text)]
    assert all(0 < len(content) <= LIMIT for content in contents)
    assert "".join(contents).replace(" ", "").replace("\n", "") == text.replace(" ", "")


def test_chunks_of_a_long_text_are_about_a_kilobyte_long() -> None:
    chunks = plain("\n\n".join(paragraph(300) for _ in range(40)))
    assert all(FULL <= len(str(chunk.content)) <= LIMIT for chunk in chunks[:-1])
