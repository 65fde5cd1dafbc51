"""Text that nobody sees: dropped from what a model is shown of a document.

A reader of a page doesn't see it and a model does, so it is where instructions are hidden. What
draws, joins or breaks lines stays: joiners inside Arabic and Indic words and inside emoji, the tags
that make a flag of England, the selector that makes an emoji of a sign or picks the form of a CJK
character. Everything else of the kind goes, a soft hyphen too: it only shows where a line happens
to break, and the words that PDFs cut with it are whole without it.

Sources: Unicode 15.1, Default_Ignorable_Code_Point and Bidi_Control; UTS #51 for emoji sequences;
UTS #37 for ideographic variation; ECMA-48 for escape sequences.
"""

from __future__ import annotations

import re
from typing import Final

_LINE_BREAKS: Final = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")

_UNSEEN: Final = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 and C1 but tab and newline
    r"\xad\u034f"  # soft hyphen, grapheme joiner
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidi marks, embeddings, overrides, isolates
    r"\u115f\u1160\u3164\uffa0"  # Hangul fillers
    r"\u17b4\u17b5\u180b-\u180f"  # Khmer inherent vowels, Mongolian selectors
    r"\u200b-\u200d\u2060-\u2065\u206a-\u206f\ufeff"  # zero-width, invisible operators
    r"\ufe00-\ufe0f"  # variation selectors
    r"\ufff0-\ufffb"  # unassigned, interlinear annotations
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # controls of shorthand and of music
    r"\U000e0000-\U000e0fff"  # tags, variation selectors, and what is kept free for more of them
)
_ANSWER_OF_TERMINAL: Final = r"[^\x07\x1b\x90\x98\x9b-\x9f\n]*(?:\x07|\x1b\\|\x9c)"
_ESCAPE: Final = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, moves, hidden text
    rf"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f]){_ANSWER_OF_TERMINAL}"  # OSC and DCS: titles, links
    r"|\x1b[ -/]*[0-~]"
)
_FLAG: Final = r"\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f"
_SUSPECT: Final = re.compile(rf"[{_UNSEEN}\u2028\u2029\ud800-\udfff]")
_SUSPECT_IN_ASCII: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
"""The same, sought three times as fast."""
_RUN: Final = re.compile(rf"{_FLAG}|[{_UNSEEN}]+")
"""A flag, or all that is unseen between two characters that are seen."""

_JOINERS: Final = ("\u200c", "\u200d")
_JOINED: Final = re.compile(
    r"[\u0600-\u0dff\u0f00-\u109f\u1780-\u18af\u1a20-\u1aaf\u1b00-\u1c4f\ua840-\ua87f\ua8e0-\ua8ff"
    r"\ua930-\uaaff\uabc0-\uabff\ufb50-\ufdff\ufe70-\ufefc\U00010a00-\U00010aff"
    r"\U00010d00-\U00010d3f\U00010f00-\U00011dff\U0001e900-\U0001e95f]"
)
"""Letters and marks of the scripts that are written with joiners: Arabic, Indic and their kin."""
_MONGOLIAN: Final = re.compile(r"[\u1820-\u18aa]")
_EMOJI: Final = re.compile(
    r"[\xa9\xae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2900-\u297f"
    r"\u2b00-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_IDEOGRAPH: Final = re.compile(
    r"[\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_KEYCAP: Final = "\u20e3"
_STANDARD: Final = re.compile(r"[\ufe00-\ufe02]")
_IDEOGRAPHIC: Final = re.compile(r"[\ufe00-\ufe02\U000e0100-\U000e01ef]")
_PRESENTATION: Final = ("\ufe0e", "\ufe0f")
_JOINED_EMOJI: Final = ("\u200d", "\ufe0f\u200d")
"""Between two emoji of one sequence; the first of them may be a sign that needs a selector."""


def drop_unseen(text: str) -> str:
    """`text` as a reader sees it: LF for every line break, U+FFFD for half a surrogate pair."""
    if not (_SUSPECT_IN_ASCII if text.isascii() else _SUSPECT).search(text):
        return text
    text = _SURROGATE.sub("\ufffd", _LINE_BREAKS.sub("\n", text))
    text = _ESCAPE.sub("\0", text)  # which is unseen as well, and no end of a run
    return _RUN.sub(_what_stays, text)


def _what_stays(match: re.Match[str]) -> str:
    run, text = match[0], match.string
    if run[0] == "\U0001f3f4":
        return run
    before = text[match.start() - 1] if match.start() else ""
    after = text[match.end() : match.end() + 1]
    return run if before and _is_of_use(before, run, after) else ""


def _is_of_use(before: str, run: str, after: str) -> bool:
    """Whether the unseen `run` shapes the characters that it stands between."""
    if run in _JOINED_EMOJI and _EMOJI.match(before) and _EMOJI.match(after):
        return True
    if len(run) > 1:
        return False
    if run in _JOINERS:
        return bool(_JOINED.match(before) and _JOINED.match(after))
    if run in _PRESENTATION:
        is_keycap = before in "0123456789#*" and after == _KEYCAP
        return is_keycap or bool(_EMOJI.match(before))
    if "\u180b" <= run <= "\u180f":
        return bool(_MONGOLIAN.match(before))
    return bool(_IDEOGRAPHIC.match(run) and _IDEOGRAPH.match(before)) or bool(
        _STANDARD.match(run) and "\u2200" <= before <= "\u22ff"
    )
