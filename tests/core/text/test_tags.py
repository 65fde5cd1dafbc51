import pytest

from proxy.core.text.tags import Angle, read_angle
from proxy.core.text.window import Wait
from tests.core.text.samples import begun, whole


def read(text: str, *, begins_line: bool = False) -> tuple[str, str]:
    """What is said of the `<` that `text` begins with, and the text it is said of."""
    angle = read_angle(whole(f"{text}"), 0, begins_line=begins_line)
    assert isinstance(angle, Angle)
    return angle.kind, text[: angle.end]


@pytest.mark.parametrize(
    "tag",
    [
        *(
            "<img src=x>",
            "<a href='x>y'>",
            "</a>",
            "<iframe/src=x>",
            "<svg onload=x>",
            "<b class=x>",
        ),
        *(
            "<base\nhref=x>",
            "<IMG SRC=x>",
            "<div>",
            "</div >",
            "<!-- x -->",
            "<!DOCTYPE x>",
            "<?x?>",
        ),
        *("<![CDATA[x]]>", "<x y=z>", '<img alt="a>b" src=x>', "<p>", "<form>", "<link\trel=x>"),
        "<!-- <b> > -->",
    ],
)
def test_tags_go(tag: str) -> None:
    assert read(tag) == ("tag", tag)
    assert read(tag, begins_line=True) == ("tag", tag)


@pytest.mark.parametrize(
    "tag", ["<b>", "</strong>", "<br/>", "<br />", "<sub>", "<String>", "<your-key>"]
)
def test_harmless_tags_stay_within_a_line_alone(tag: str) -> None:
    assert read(tag) == ("text", tag)
    assert read(tag, begins_line=True) == ("tag", tag)


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        *(
            ("< b", "<"),
            ("<3", "<"),
            ("<=", "<"),
            ("<-", "<"),
            ("<", "<"),
            ("<\n", "<"),
            ("<é", "<"),
        ),
        *(("<String, List<T>>", "<String,"), ("<stdio.h>", "<stdio.h>"), ("<x) y", "<x)")),
    ],
)
def test_what_can_be_no_tag_stays(text: str, stays: str) -> None:
    assert read(text) == ("text", stays)


@pytest.mark.parametrize(
    "text", ["<img src=x", "<b", "</", "<!-- x", "<!", "<?x", "<a <b", "<x y\n\nz>", "<p 'x"]
)
def test_what_begins_like_a_tag_keeps_apart_from_its_begin(text: str) -> None:
    assert read(text) == ("apart", "<")


@pytest.mark.parametrize("name", ["script", "style", "SCRIPT"])
def test_scripts_and_styles_go_with_their_content(name: str) -> None:
    assert read(f"<{name}>x < y</{name}>z") == ("tag", f"<{name}>x < y")
    assert read(f"<{name}>x") == ("tag", f"<{name}>")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("<https://a/b>", "https://a/b"),
        ("<mailto:a@b>", "mailto:a@b"),
        ("<a@b.c>", "mailto:"),
        ("<x-y:z>", "x-y:z"),
    ],
)
def test_addresses_in_angles_are_links(text: str, address: str) -> None:
    angle = read_angle(whole(text), 0, begins_line=True)
    assert angle == Angle(len(text), "link", address)


@pytest.mark.parametrize(
    "text", ["<", "<b", "<a href='", "<!", "<!--x", "<script>x", "<https://x", "</"]
)
def test_what_has_not_ended_is_waited_for(text: str) -> None:
    assert isinstance(read_angle(begun(text), 0, begins_line=False), Wait)


@pytest.mark.parametrize("text", ["<a " + "b " * 600, "<a b='" + "c" * 8_000, "<!--" + "x" * 8_000])
def test_none_is_waited_for_without_end(text: str) -> None:
    assert read_angle(begun(text), 0, begins_line=False) == Angle(1, "apart")
