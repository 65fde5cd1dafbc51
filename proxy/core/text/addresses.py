"""Addresses that stand in the text as they are: renderers make links of them."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from proxy.core.text.links import LinkRules
from proxy.core.text.seams import WHITE_SPACE
from proxy.core.text.window import Wait, Window

LONGEST: Final = 8_000

_RUN: Final = re.compile(r"[^\s<>`\\\[\]]*")
_ENDS: Final = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0<>`\\[]"
"""Some of what ends an address; enough to look again."""
_SWALLOWED: Final = re.compile(
    r"[^\s<>`\\\[\]|。、！？「」『』）《》【】“”«»\uff08\uff0c\uff1a\uff1b]*"
)
_PUNCTUATION: Final = ".,;:!?…)]}'\"*_~|»”’›"
_TRIMMED: Final = re.compile(r"\)?[.,;?!]?")
_EMPHASIS_ENDS: Final = re.compile(r"\*{1,3}[.,;?!]?")
"""No renderer takes this for a part of an address, at its end."""
_SPACES: Final = (*WHITE_SPACE, "")
_STOPS: Final = (*_SPACES, "<")
"""All renderers end an address here."""
_SCHEMES: Final = ("http:", "https:", "ftp:")


class Before(NamedTuple):
    """What an address stands after."""

    text: str
    is_in_brackets: bool = False
    """A bracket is open that may be a link's."""


class Bare(NamedTuple):
    """What stands where an address seems to begin."""

    end: int
    is_removed: bool
    is_address: bool = False
    """Or something that would be one if it went on."""
    needs_space: bool = False
    """A renderer may take what follows for a part of it."""
    goes_on: bool = False
    """It is longer than anybody would look: what follows, up to its end, is part of it."""


def read_bare(window: Window, at: int, begin: str, before: Before, links: LinkRules) -> Bare | Wait:
    """What stands at `at`, where `begin` was found: `https:/`, `//`, `www.` and such.

    Some renderers see an address in the midst of a word, too. The part of it that went out can't be
    told from the word. So there what follows `http:` goes, and what follows the first `w`.
    """
    text = window.text
    plain = Bare(at + len(begin), is_removed=False)
    is_in_word = _ends_word(before.text)
    if begin.endswith(":/"):
        if not window.final and len(text) <= plain.end:
            return Wait("", len(begin) + 1)
        if is_in_word or text[plain.end : plain.end + 1] != "/":
            return Bare(plain.end - 1, is_removed=False)  # the slash may belong to the next
    elif begin == "ww.":
        if not before.text.lower().endswith("w"):
            return Bare(at + 1, is_removed=False)
    elif begin == "www." and is_in_word:
        return Bare(at + 1, is_removed=False)  # what follows is looked at next
    elif _is_path(before.text) if begin == "//" else is_in_word:
        return plain
    return _judge(window, at, begin, before, links)


def _judge(window: Window, at: int, begin: str, before: Before, links: LinkRules) -> Bare | Wait:
    text, end = window.text, window.end(at, LONGEST)
    match = _RUN.match(text, at, end)
    stop = match.end() if match else end
    if stop == end and window.may_grow(at, LONGEST):
        return Wait(_ENDS, LONGEST)
    if text[stop:] == "]" and not window.final:
        return Wait("", LONGEST)
    run = text[at:stop]
    is_cut = begin == "ww." or (begin == "//" and before.text.lower().endswith(_SCHEMES))
    if not _has_host(run, begin, is_cut=is_cut):
        is_scheme = run.endswith("//") and (begin != "//" or is_cut)
        end = stop if is_scheme else at + len(begin)
        may_go_on = is_scheme or (begin == "//" and len(run) > len(begin))
        return Bare(end, is_removed=False, is_address=may_go_on, needs_space=is_scheme)
    if allowed := 0 if is_cut else links.allowed_part(run):
        ends_label = before.is_in_brackets and text.startswith("](", stop)
        is_apart = _is_apart(
            run[allowed:], "" if ends_label else text[stop : stop + 1], before.text
        )
        return Bare(at + allowed, is_removed=False, is_address=True, needs_space=not is_apart)
    if stop - at == LONGEST:
        return Bare(stop, is_removed=True, goes_on=True)
    swallowed = _SWALLOWED.match(text, at, stop)
    kept = swallowed[0].rstrip(_PUNCTUATION) if swallowed else run
    return Bare(at + max(len(kept), len(begin)), is_removed=True)


def _is_apart(rest: str, stop: str, before: str) -> bool:
    """Whether all renderers see an address end before `rest`, which `stop` follows."""
    if not rest:
        return stop in _STOPS
    punctuation = _EMPHASIS_ENDS if before.endswith("*") else _TRIMMED
    return stop in _SPACES and punctuation.fullmatch(rest) is not None


def names_address(text: str) -> bool:
    """Whether any word of it looks like an address without a scheme: `host.tld/…`, `www.…`."""
    for word in text.lower().split():
        host, slash, _ = word.partition("/")
        is_host = bool(slash) and host.rpartition(".")[2].isalpha() and "." in host.strip(".")
        if is_host or "www." in word:
            return True
    return False


def end_of_run(text: str, at: int) -> int:
    match = _RUN.match(text, at)
    return match.end() if match else at


def _ends_word(before: str) -> bool:
    return before[-1:].isascii() and before[-1:].isalnum()


def _is_path(before: str) -> bool:
    """Whether `//` after this begins no address: it is part of one, or of a path."""
    if before.endswith(":"):
        return not before.lower().endswith(_SCHEMES)
    return before[-1:].isalnum() or before.endswith("/")


def _has_host(run: str, begin: str, *, is_cut: bool) -> bool:
    """Whether anything follows that a renderer could take for a host."""
    if begin == "mailto:":
        return "@" in run
    if begin == "//" and not is_cut:
        host = run[2:].partition("/")[0]
        return "." in host or "@" in host or host.lower() == "localhost"
    return bool(run.partition("//")[2] if begin.endswith("/") else run[len(begin) :])
