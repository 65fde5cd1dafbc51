"""What a pattern costs: a matcher that goes the way of Python's `re`, and counts its steps.

`re` itself cannot be watched. This one reads the same parsed pattern and tries the same things in
the same order, slowly. It knows what the project's patterns are made of and refuses all else.
"""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Callable, Iterator
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any, Final

_CATEGORIES: Final[dict[Any, Callable[[str], bool]]] = {
    op.CATEGORY_DIGIT: str.isdecimal,
    op.CATEGORY_SPACE: str.isspace,
    op.CATEGORY_WORD: lambda c: c.isalnum() or c == "_",
}
_OPPOSITES: Final = {op.CATEGORY_NOT_WORD: op.CATEGORY_WORD}
_OF_CATEGORIES: Final = {
    op.CATEGORY_DIGIT: "1",
    op.CATEGORY_NOT_WORD: " ",
    op.CATEGORY_SPACE: " ",
}
"""A character of each."""
_SINGLE: Final = frozenset({op.LITERAL, op.NOT_LITERAL, op.ANY, op.IN})
_LONG: Final = 1_000
"""A repetition that may be longer than this counts as one without a bound."""
_MOST_SAMPLES: Final = 40
_STOP: Final = "\x00"
"""Ends what would go on to the end of a text."""

Items = list[tuple[Any, Any]]


class _Matcher:
    def __init__(self, pattern: re.Pattern[Any], text: str) -> None:
        self._is_ascii = bool(pattern.flags & re.ASCII)
        self._ignores_case = bool(pattern.flags & re.IGNORECASE)
        self._multiline = bool(pattern.flags & re.MULTILINE)
        self._text = text
        self.steps = 0

    def ends(self, items: Items, place: int, at: int = 0) -> Iterator[int]:
        """Where `items` from `at` on may end that begin at `place`, in the order of trying."""
        self.steps += 1
        if at == len(items):
            yield place
            return
        code, argument = items[at]
        for end in self._ends_of(code, argument, place):
            yield from self.ends(items, end, at + 1)

    def _ends_of(  # noqa: C901  # a branch for each kind of item
        self, code: Any, argument: Any, place: int
    ) -> Iterator[int]:
        if code in _SINGLE:
            if self._is_one(code, argument, place):
                yield place + 1
        elif code is op.AT:
            if self._is_at(argument, place):
                yield place
        elif code is op.BRANCH:
            for branch in argument[1]:
                yield from self.ends(list(branch), place)
        elif code is op.SUBPATTERN:
            yield from self.ends(list(argument[3]), place)
        elif code in {op.ASSERT, op.ASSERT_NOT}:
            if self._looks(argument[0], list(argument[1]), place) is (code is op.ASSERT):
                yield place
        elif code is op.MAX_REPEAT:
            least, most, body = argument
            yield from self._repeated(least, most, list(body), place)
        else:
            raise ValueError(f"the meter does not know {code}: teach it")

    def _looks(self, direction: int, items: Items, place: int) -> bool:
        """Whether `items` stand after `place`, or before it: then each is one character."""
        if direction == 1:
            return next(self.ends(items, place), None) is not None
        begin = place - len(items)
        return begin >= 0 and place in self.ends(items, begin)

    def _repeated(self, least: int, most: Any, body: Items, place: int) -> Iterator[int]:
        code, argument = body[0]
        if len(body) == 1 and code in _SINGLE:
            end = place
            while end - place < most and self._is_one(code, argument, end):
                end += 1
            yield from range(end, place + least - 1, -1)
            return
        if most > 0:
            for end in self.ends(body, place):
                if end > place:
                    yield from self._repeated(max(0, least - 1), most - 1, body, end)
        if least == 0:
            yield place

    def _is_one(self, code: Any, argument: Any, place: int) -> bool:
        self.steps += 1
        if place >= len(self._text):
            return False
        char = self._text[place]
        if code is op.ANY:
            return True
        if code is op.IN:
            is_negated = argument[0][0] is op.NEGATE
            is_in = any(self._is_in(kind, value, char) for kind, value in argument)
            return is_in is not is_negated
        return self._is_in(op.LITERAL, argument, char) is (code is op.LITERAL)

    def _is_in(self, code: Any, argument: Any, char: str) -> bool:
        if code is op.NEGATE:
            return False
        if code is op.CATEGORY:
            of = _OPPOSITES.get(argument, argument)
            is_of = _CATEGORIES[of](char) and (char.isascii() or not self._is_ascii)
            return is_of is (of is argument)
        low, high = argument if code is op.RANGE else (argument, argument)
        chars = {char.lower(), char.upper()} if self._ignores_case else {char}
        return any(low <= ord(each) <= high for each in chars if len(each) == 1)

    def _is_at(self, where: Any, place: int) -> bool:
        before, after = self._text[place - 1 : place], self._text[place : place + 1]
        if where is op.AT_BEGINNING:
            return not place or (self._multiline and before == "\n")
        if where is op.AT_END_STRING:
            return not after
        if where is op.AT_END:
            return not after or (after == "\n" and self._multiline)
        is_word = _CATEGORIES[op.CATEGORY_WORD]
        return is_word(before or " ") is not is_word(after or " ")


def spans(
    pattern: re.Pattern[Any], text: str, *, whole: bool = False, in_place: bool = False
) -> tuple[list[Any], int]:
    """All that the pattern matches, as `finditer` finds it, and the steps of finding it.

    With `whole`, what `fullmatch` finds, and with `in_place`, what `match` finds.
    """
    matcher = _Matcher(pattern, text)
    items = list(_parsed(pattern))
    found: list[tuple[int, int]] = []
    place = 0
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(50_000)
    try:
        if whole or in_place:
            ends = (end for end in matcher.ends(items, 0) if in_place or end == len(text))
            return [(0, end) for end in itertools.islice(ends, 1)], matcher.steps
        while place <= len(text):
            end = next(matcher.ends(items, place), None)
            if end is not None:
                found.append((place, end))
            place = place + 1 if end is None else max(end, place + 1)
    finally:
        sys.setrecursionlimit(limit)
    return found, matcher.steps


def hard_texts(pattern: re.Pattern[Any], size: int) -> Iterator[str]:
    """Texts of about `size` characters that begin like a match over and over, or never end one."""
    parsed = _parsed(pattern)
    bodies = sorted({each for body in _endless(parsed) for each in _samples(list(body)) if each})
    begins = {sample[:end] for sample in _samples(list(parsed)) for end in range(len(sample) + 1)}
    for begin in sorted(begins):
        if begin:
            yield begin * (size // len(begin)) + _STOP
        for body in bodies:
            yield begin + body * (size // len(body)) + _STOP


def _parsed(pattern: re.Pattern[Any]) -> Any:
    source = pattern.pattern
    return _parser.parse(source if isinstance(source, str) else source.decode(), pattern.flags)


def _endless(items: Any) -> Iterator[Any]:
    """The bodies of all repetitions that have no bound."""
    for code, argument in items:
        if code is op.MAX_REPEAT:
            if argument[1] > _LONG:
                yield argument[2]
            yield from _endless(argument[2])
        elif code is op.BRANCH:
            for branch in argument[1]:
                yield from _endless(branch)
        elif code is op.SUBPATTERN:
            yield from _endless(argument[3])
        elif code in {op.ASSERT, op.ASSERT_NOT}:
            yield from _endless(argument[1])


def _samples(items: Items) -> list[str]:
    """Short texts that match `items`, one for each way through them."""
    parts = [_samples_of(code, argument) for code, argument in items]
    return ["".join(each) for each in itertools.islice(itertools.product(*parts), _MOST_SAMPLES)]


def _samples_of(code: Any, argument: Any) -> list[str]:
    if code in _SINGLE:
        return [_sample_of_set(argument if code is op.IN else [(code, argument)])]
    if code is op.BRANCH:
        return [each for branch in argument[1] for each in _samples(list(branch))]
    if code is op.SUBPATTERN:
        return _samples(list(argument[3]))
    if code is op.MAX_REPEAT:
        return [each * max(1, argument[0]) for each in _samples(list(argument[2]))]
    return _samples(list(argument[1])) if code is op.ASSERT else [""]


def _sample_of_set(members: Any) -> str:
    code, argument = members[0]
    if code is op.CATEGORY:
        return _OF_CATEGORIES.get(argument, "a")
    if code in {op.NEGATE, op.NOT_LITERAL, op.ANY}:
        return "x"
    return chr(argument[0] if code is op.RANGE else argument)
