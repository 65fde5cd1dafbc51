"""Finds the name of a call that text may begin with, as soon as it has come.

Every form of a call in text is tags, and then a JSON object or a name. What comes is compared with
that from left to right, and never read otherwise later: more text can end the doubt, but takes back
no verdict. So it makes no difference how a stream cuts the text. Whether the rest is a call, too,
`proxy.core.call_forms` says when it is there.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from proxy.core.call_tags import FENCE, FENCE_BEGUN, TAGS_BY_HEAD

LONGEST_UNNAMED: Final = 4_000
"""How much text may come before the name of a call is whole, in characters."""

_LONGEST_SKIPPED: Final = 1_000
"""How much of it may be arguments, where they come before the name."""
_MOST_TAGS: Final = 5
_MOST_KEYS: Final = 8
_SPACE: Final = re.compile(r"\s{0,200}")
_NAME: Final = re.compile(r"[\w.:-]{1,128}")
_LIST_SIGN: Final = "["
_FIRST_SIGNS: Final = frozenset({_LIST_SIGN, *(head[0] for head in TAGS_BY_HEAD)})
_AFTER_NAME: Final = frozenset('({[<>"`')
"""Arguments, or markup that leads to them."""

_KEY: Final = re.compile(r"\s{0,64}\"(\w{1,24})\"\s{0,64}:\s{0,64}")
_KEY_BEGUN: Final = re.compile(r"\s{0,64}(?:\"(\w{0,24})(?:\"\s{0,64})?)?")
_STRING: Final = re.compile(r"\"([^\"\\]{0,300})(\"?)")
_SCALAR: Final = re.compile(r"(?:\"[^\"\\]{0,200}\"|[\w.-]{1,20})\s{0,64},")
_SCALAR_BEGUN: Final = re.compile(r"(?:\"[^\"\\]{0,200}(?:\"\s{0,64})?|[\w.-]{1,20}\s{0,64})")
_LIST: Final = re.compile(r"\[\s{0,64}\{")
_LIST_BEGUN: Final = re.compile(r"\[\s{0,64}")
_COMMA: Final = re.compile(r"\s{0,64},")
_COMMA_BEGUN: Final = re.compile(r"\s{0,64}")
_MARKS: Final = re.compile(r"[\"{}\[\]]|\\.", re.DOTALL)

NAME_KEYS: Final = ("name", "tool", "tool_name", "recipient_name", "function")
ARGUMENT_KEYS: Final = ("arguments", "parameters", "args", "input", "tool_input", "kwargs")
LIST_KEYS: Final = ("tool_calls", "tool_uses")
_SCALAR_KEYS: Final = ("type", "id", "index", "tool_call_id", "call_id")
_KEYS: Final = (*NAME_KEYS, *ARGUMENT_KEYS, *LIST_KEYS, *_SCALAR_KEYS)


class Sign(NamedTuple):
    """The name of a call that text begins with, as far as it has come."""

    name: str = ""
    is_whole: bool = False


_UNNAMED: Final = Sign()
"""It may be a call."""


def sign_at(text: str, begin: int) -> Sign | None:
    """The sign of a call that begins at `begin`; None if there is none, whatever follows."""
    end = min(len(text), begin + LONGEST_UNNAMED)
    sign = _sign(text, begin, end)
    is_too_long = sign is not None and not sign.is_whole and end == begin + LONGEST_UNNAMED
    return None if is_too_long else sign


def is_fenced(text: str, begin: int) -> bool:
    return text.startswith(("`", "~"), begin)


def _sign(text: str, begin: int, end: int) -> Sign | None:
    place = begin
    for _ in range(_MOST_TAGS):
        place = _after_space(text, place, end)
        if text.startswith("{", place, end):
            return _in_object(text, place + 1, end)
        after = _after_tag(text, place, end)
        if after is None:
            break
        if after > end:
            return _UNNAMED
        place = after
    return None if place == begin else _bare_name(text, place, end)


def _after_space(text: str, place: int, end: int) -> int:
    space = _SPACE.match(text, place, end)
    return space.end() if space else place


def _after_tag(text: str, place: int, end: int) -> int | None:
    """Where the tag at `place` ends; beyond `end` if it is cut there, None if there is none."""
    if is_fenced(text, place):
        fence = FENCE.match(text, place, end)
        if fence is not None:
            return fence.end()
        return end + 1 if FENCE_BEGUN.fullmatch(text, place, end) else None
    left = end - place
    if left <= 1:
        return end + 1 if not left or text[place] in _FIRST_SIGNS else None
    for tag in TAGS_BY_HEAD.get(text[place : place + 2], ()):
        if len(tag) > left:
            if text.startswith(tag[:left], place):
                return end + 1
        elif text.startswith(tag, place):
            return place + len(tag)
    return place + 1 if text[place] == _LIST_SIGN else None


def _bare_name(text: str, place: int, end: int) -> Sign | None:
    place += text.startswith('"', place, end)
    name = _NAME.match(text, place, end)
    if name is None:
        return _UNNAMED if place == end else None
    after = _after_space(text, name.end(), end)
    if after == end:
        return Sign(name[0])
    return Sign(name[0], is_whole=True) if text[after] in _AFTER_NAME else None


def _in_object(text: str, place: int, end: int) -> Sign | None:
    """The sign of an object, of which only the brace has been read."""
    for _ in range(_MOST_KEYS):
        key = _KEY.match(text, place, end)
        if key is None:
            begun = _KEY_BEGUN.fullmatch(text, place, end)
            may_be = begun and any(each.startswith(begun[1] or "") for each in _KEYS)
            return _UNNAMED if may_be else None
        if key[1] not in _KEYS:
            return None
        place = key.end()
        if place == end:
            return _UNNAMED
        if key[1] == "function" and text[place] == "{":
            place += 1
            continue
        if key[1] in NAME_KEYS:
            return _string_name(text, place, end)
        after = _after_value(key[1], text, place, end)
        if after is None or after > end:
            return None if after is None else _UNNAMED
        place = after
    return None


def _string_name(text: str, place: int, end: int) -> Sign | None:
    name = _STRING.match(text, place, end)
    if name is None or (name.end() < end and not name[2]):
        return None
    return Sign(name[1], is_whole=bool(name[2]))


def _after_value(key: str, text: str, place: int, end: int) -> int | None:
    """Where the next key begins; beyond `end` if the text is cut before it."""
    if key in LIST_KEYS:
        return _matched(_LIST, _LIST_BEGUN, text, place, end)
    if key in ARGUMENT_KEYS and text[place] in '"{[':
        after = _after_nested(text, place, min(end, place + _LONGEST_SKIPPED))
        if after is None:
            return None if end > place + _LONGEST_SKIPPED else end + 1
        return _matched(_COMMA, _COMMA_BEGUN, text, after, end)
    return _matched(_SCALAR, _SCALAR_BEGUN, text, place, end)


def _matched(
    whole: re.Pattern[str], begun: re.Pattern[str], text: str, place: int, end: int
) -> int | None:
    match = whole.match(text, place, end)
    if match is not None:
        return match.end()
    return end + 1 if begun.fullmatch(text, place, end) else None


def _after_nested(text: str, place: int, end: int) -> int | None:
    """Where a string, an object or an array ends; None if that is not before `end`."""
    depth, is_quoted = 0, False
    for mark in _MARKS.finditer(text, place, end):
        sign = mark[0]
        if sign == '"':
            is_quoted = not is_quoted
        elif not is_quoted and sign in "{[":
            depth += 1
        elif not is_quoted and sign in "}]":
            depth -= 1
        if depth <= 0 and not is_quoted:
            return mark.end()
    return None
