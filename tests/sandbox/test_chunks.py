from hypothesis import given
from hypothesis import strategies as st

from proxy.sandbox.chunks import FULL, LIMIT, Chunk, split
from proxy.sandbox.reading import Page, Reading

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
    assert all(str(chunk.content).endswith("dog.") for chunk in plain(paragraph(4000))[:-1])
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
