"""What the tests of an answer's text share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hypothesis import strategies as st

from proxy.core.text import AnswerText, LinkRules, Marker, Numbering
from proxy.core.text.window import Window

SHOWN = {n: f"https://docs.example/{n}" for n in range(1, 6)}
"""Passages 1 to 5, each of a source of its own."""
HOST = "intranet.example"
"""A host that the client named."""


def rules(mode: Any = "sources") -> LinkRules:
    return LinkRules(mode, SHOWN.values(), {HOST})


def answer(
    pieces: Iterable[str],
    *,
    shown: Mapping[int, str] = SHOWN,
    links: LinkRules | None = None,
    numbering: Numbering | None = None,
    rewrite: bool = True,
) -> tuple[str, list[Marker]]:
    """What goes out of an answer in these pieces, and its markers."""
    text = AnswerText(numbering=numbering or Numbering(), links=links, rewrite=rewrite)
    text.show(shown)
    out = "".join([*map(text.feed, pieces), text.flush()])
    assert not text.holds
    return out, text.markers


def out_of(text: str, **options: Any) -> str:
    """What goes out of `text`, which must not depend on how it is cut."""
    whole = answer([text], **options)
    assert answer(text, **options) == whole
    return whole[0]


def whole(text: str) -> Window:
    return Window(text, final=True)


def begun(text: str) -> Window:
    return Window(text, final=False)


PARTS = (
    *("[", "]", "(", ")", "](", "[1]", "[2, 3]", "[9]", "【1】", "[a](", "[x]: ", "]:", "!", "!["),
    *("https://evil.example/x", "https://docs.example/1", "https://intranet.example/a"),
    *("//evil.example/q", "www.evil.example", "mailto:a@evil.example", "http", "://", "htt", "ps:"),
    *("<", ">", "<img src=https://evil.example>", "<b>", "<div>", "<a href=//evil.example>"),
    *("<script>", "</script>", "<!--", "-->", "<https://evil.example>", "<x", "=y>", "<pre>", "<?"),
    *("```", "~~~", "`", "``", "\n", "\n\n", "\r", "   ", "    ", "- ", "1. ", "2. ", "> ", "|"),
    *("\n|a|\n|---|\n", "\\", "&#104;", "&#47;", "&lt;", "/", "w", "ww", '"', "'", ":", "=", "#f"),
    *("javascript:x", "data:text/html,x", "[x]", "[evil](https://evil.example)", "x", "word "),
    *("`<img src=https://evil.example>`", "[link removed]: ", "\t", " ", "*", "_", "\x0b"),
)
hostile = st.lists(st.sampled_from(PARTS) | st.text(max_size=2), max_size=25).map("".join)
"""Texts that are all marks and addresses."""

_HEADS = (
    *("", "```", "~~~", "````", "```sh", "<div>", "<!--", "| a |", "|---|", "[x]:", "# ", "- "),
    *("1. ", "2. ", "10. ", "> ", "  ", "   ", "    ", "\t", "- - ", "> - "),
)
_TAILS = (
    *("", "<img src=//evil.example>", "[a](https://evil.example)", "`", "``", "text", "|", "\\`"),
    *("`<img src=//evil.example>`", "https://evil.example", "~~~", "```", "[", "](//evil.example)"),
    *("---", "=", "~~~`", '"'),
)
_line = st.tuples(*[st.sampled_from(_HEADS)] * 2, *[st.sampled_from(_TAILS)] * 2).map("".join)
lines = st.lists(_line, max_size=12).map("\n".join)
"""Texts whose lines begin and end fences, lists, tables and quotations."""


def cut(text: str, sizes: Iterable[int]) -> list[str]:
    """`text` in pieces of such sizes, and the rest."""
    pieces = []
    for size in sizes:
        pieces.append(text[:size])
        text = text[size:]
    return [*pieces, text]
