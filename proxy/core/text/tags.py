"""HTML in an answer: what goes, and the little that stays.

A tag goes, its inner text stays. What begins like a tag and is not closed keeps apart from its
`<`, by a space: nothing that follows can make it one.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from proxy.core.text.window import Wait, Window

LONGEST: Final = 8_000
_LONGEST_OPEN: Final = 1_000
"""A tag without a value, and so without an address."""

_HARMLESS: Final = frozenset(
    ("b", "i", "em", "strong", "sub", "sup", "u", "s", "kbd", "mark", "small", "br")
)
_OF_HTML: Final = frozenset(
    # https://html.spec.whatwg.org/multipage/indices.html#elements-3, and obsolete ones
    re.findall(
        r"\w+",
        """a abbr acronym address applet area article aside audio base basefont bdi bdo bgsound big
        blink blockquote body button canvas caption center cite code col colgroup
        command content data datalist dd del details dfn dialog dir div dl dt element
        embed fencedframe fieldset figcaption figure font footer form frame frameset h1
        h2 h3 h4 h5 h6 head header hgroup hr html iframe image img input ins isindex
        keygen label layer legend li link listing main map marquee math menu menuitem
        meta meter multicol nav nextid nobr noembed noframes nolayer noscript object ol
        optgroup option output p param picture plaintext portal pre progress q rb rp rt
        rtc ruby samp script search section select selectedcontent shadow slot source
        spacer span strike style summary svg table tbody td template textarea tfoot th
        thead time title tr track tt ul var video wbr xmp""",
    )
)
_WITH_CONTENT: Final = {
    name: re.compile(rf"</{name}[\s/>]", re.IGNORECASE) for name in ("script", "style")
}
_NAME: Final = re.compile(r"</?(?P<name>[A-Za-z][A-Za-z0-9\-]*)")
_BARE: Final = re.compile(r"</?(?P<name>[A-Za-z][A-Za-z0-9\-]*)\s?/?>")
_NO_TAG: Final = re.compile(r"</?(?![wW]{3}\.)[A-Za-z][A-Za-z0-9\-]*(?:[,;()]|\.[\w.\-/]{0,80}>)")
_VALUE: Final = re.compile("[\"'=:]")
_AUTOLINK: Final = re.compile(r"<(?P<address>[A-Za-z][A-Za-z0-9+.\-]{1,31}:[^<>\s]*)>")
_MAIL: Final = re.compile(r"<[^<>@\s,;()]+@[^<>@\s]+>")
_TAG: Final = re.compile(r"<(?:[^<>=]|=\s{0,3}(?:\"[^\"]*\"|'[^']*')|=(?!\s{0,3}[\"']))*")
_TO_END: Final = re.compile(r"<[^<>]*>")
_PARAGRAPH_END: Final = re.compile(r"\n[ \t]*\r?\n")
_MARKUP: Final = (("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>"), ("<!", ">"))


class Angle(NamedTuple):
    """What stands at a `<`."""

    end: int
    kind: str
    """"text", "tag" (which goes), "link", or "apart" (a space must follow the `<`)."""
    address: str = ""


def read_angle(window: Window, at: int, *, begins_line: bool) -> Angle | Wait:
    text = window.text
    following = text[at + 1 : at + 2]
    if not following:
        return Angle(at + 1, "text") if window.final else Wait("", 2)
    if following in "!?":
        return _markup(window, at)
    if not (following.isascii() and following.isalpha()) and following != "/":
        return Angle(at + 1, "text")
    end = window.end(at, LONGEST)
    if (link := _AUTOLINK.match(text, at, end)) is not None:
        return Angle(link.end(), "link", link["address"])
    if (link := _MAIL.match(text, at, end)) is not None:
        return Angle(link.end(), "link", "mailto:")
    return _tag(window, at, begins_line=begins_line)


def _markup(window: Window, at: int) -> Angle | Wait:
    """A comment, a declaration or a processing instruction."""
    end = window.end(at, LONGEST)
    for opening, closing in _MARKUP:
        if window.text.startswith(opening, at):
            place = window.text.find(closing, at + len(opening), end)
            if place >= 0:
                return Angle(place + len(closing), "tag")
            break
    if window.may_grow(at, LONGEST):
        return Wait("->" if end - at >= 9 else "", LONGEST)  # noqa: PLR2004  # the longest opening
    return Angle(at + 1, "apart")


def _tag(window: Window, at: int, *, begins_line: bool) -> Angle | Wait:
    text = window.text
    most = LONGEST if _VALUE.search(text, at, window.end(at, 100)) else _LONGEST_OPEN
    end = window.end(at, most)
    may_grow = window.may_grow(at, most)
    if paragraph_end := _PARAGRAPH_END.search(text, at, end):
        end, may_grow = paragraph_end.start(), False
    if not begins_line and (stays := _staying(text, at, end)):
        return Angle(stays, "text")
    match = _TAG.match(text, at, end)
    stop = match.end() if match else at + 1
    if stop < end and text[stop] == ">":
        return _element(window, at, stop + 1)
    broken = _TO_END.match(text, at, end)
    if may_grow and (stop == end or text[stop] == "="):
        return Wait("", most)
    return Angle(broken.end(), "tag") if broken else Angle(at + 1, "apart")


def _staying(text: str, at: int, end: int) -> int:
    """Where something ends that stays in the midst of a line: harmless, or no tag. 0 if neither."""
    if bare := _BARE.match(text, at, end):
        name = bare["name"].lower()
        return bare.end() if name in _HARMLESS or name not in _OF_HTML else 0
    none = _NO_TAG.match(text, at, end)
    return none.end() if none else 0


def _element(window: Window, at: int, end: int) -> Angle | Wait:
    """A tag that ends at `end`, and its content if that is no text."""
    match = _NAME.match(window.text, at)
    name = match["name"].lower() if match else ""
    closing = _WITH_CONTENT.get(name) if not window.text.startswith("</", at) else None
    if closing is None:
        return Angle(end, "tag")
    close = closing.search(window.text, end, window.end(at, LONGEST))
    if close:
        return Angle(close.start(), "tag")  # the closing tag goes next
    return Wait("", LONGEST) if window.may_grow(at, LONGEST) else Angle(end, "tag")
