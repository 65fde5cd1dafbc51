import pytest

from proxy.sandbox.documents.frontmatter import split_front_matter


def test_metadata_is_taken_off_the_top() -> None:
    metadata, text = split_front_matter("---\ntitle: Leave\nstatus: active\n---\n# Body\n")
    assert metadata == {"title": ("Leave",), "status": ("active",)}
    assert text == "# Body\n"


@pytest.mark.parametrize(
    ("block", "tags"),
    [
        ("tags: [a, b c]", ("a", "b c")),
        ("tags: a", ("a",)),
        ("tags:\n  - a\n  - 'b c'", ("a", "b c")),
        ("tags:\n- a\n# a remark\n- b", ("a", "b")),
        ('tags: ["a", "b"]', ("a", "b")),
    ],
)
def test_lists_are_read_in_every_common_form(block: str, tags: tuple[str, ...]) -> None:
    metadata, _ = split_front_matter(f"---\n{block}\n---\n")
    assert metadata == {"tags": tags}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a # remark", "a"),
        ("a#b", "a#b"),
        ("[a", "[a"),
        ("a # b # c", "a"),
        ('"a # b"', "a # b"),
        ("'it: is'", "it: is"),
        ('"quoted" # remark', "quoted"),
        ("https://x.test/a:b", "https://x.test/a:b"),
    ],
)
def test_a_value_loses_its_quotes_and_remarks(value: str, expected: str) -> None:
    metadata, _ = split_front_matter(f"---\nkey: {value}\n---\n")
    assert metadata == {"key": (expected,)}


@pytest.mark.parametrize("value", ["", "~", "null", "# only a remark", "''", "[]"])
def test_a_key_without_a_value_is_left_out(value: str) -> None:
    assert split_front_matter(f"---\nkey: {value}\n---\n") == ({}, "")


def test_what_is_not_understood_is_passed_over() -> None:
    block = "nested:\n  deep: 1\nplain\n- stray item\nafter: yes"
    metadata, _ = split_front_matter(f"---\n{block}\n...\n")
    assert metadata == {"after": ("yes",)}


@pytest.mark.parametrize("text", ["", "# Title\n---\nkey: a\n---\n", "---\nkey: never closed\n"])
def test_text_without_a_closed_block_at_its_top_stays_whole(text: str) -> None:
    assert split_front_matter(text) == ({}, text)
