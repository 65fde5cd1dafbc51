"""What a pattern costs: a matcher that goes the way of Python's `re`, and counts its steps.

`re` itself cannot be watched. This one reads the same parsed pattern and tries the same things in
the same order, slowly. It knows what the project's patterns are made of and refuses all else.
"""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from importlib import import_module
from typing import Any, Final

# By name: whether a type checker finds them depends on what else it has read.
op: Any = import_module("re._constants")
_parser: Any = import_module("re._parser")

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


class _Char:
    """One character of a set: whether it stands at each place of a text."""

    def __init__(self, text: str, is_in_set: Callable[[str], bool]) -> None:
        known = {char: is_in_set(char) for char in set(text)}
        self.stands = [*map(known.__getitem__, text), False]

    @cached_property
    def run_lengths(self) -> list[int]:
        """How many stand in a row from each place on."""
        lengths = [0] * len(self.stands)
        for place in range(len(lengths) - 2, -1, -1):
            lengths[place] = lengths[place + 1] + 1 if self.stands[place] else 0
        return lengths


@dataclass(frozen=True)
class _Run:
    """Characters of one set: so many at least and at most."""

    char: _Char
    least: int
    most: int


Item = _Char | _Run | Callable[[int], Iterable[int]]
"""The last gives where it may end, for the place where it begins."""


class _Matcher:
    """A pattern made ready for one text."""

    def __init__(self, pattern: re.Pattern[Any], text: str) -> None:
        self._is_ascii = bool(pattern.flags & re.ASCII)
        self._ignores_case = bool(pattern.flags & re.IGNORECASE)
        self._multiline = bool(pattern.flags & re.MULTILINE)
        self._text = text
        self._chars: dict[Any, _Char] = {}
        self.items = self._made(_parsed(pattern))
        self.steps = 0

    def ends(self, items: Sequence[Item], place: int, at: int = 0) -> Iterator[int]:
        """Where `items` from `at` on may end that begin at `place`, in the order of trying.

        A step is an item, or the end of all, at a place, and a character that is looked at.
        """
        while at < len(items):
            item = items[at]
            if not isinstance(item, _Char):
                break
            self.steps += 2
            if not item.stands[place]:
                return
            place, at = place + 1, at + 1
        else:
            self.steps += 1
            yield place
            return
        self.steps += 1
        if isinstance(item, _Run):
            yield from self._ends_of_run(item, items, place, at)
            return
        for end in item(place):
            yield from self.ends(items, end, at + 1)

    def _ends_of_run(self, run: _Run, items: Sequence[Item], place: int, at: int) -> Iterator[int]:
        """As `ends`, where the item is a run. Most of its ends fail at the next character."""
        length = run.char.run_lengths[place]
        self.steps += min(length + 1, run.most)
        after = items[at + 1] if at + 1 < len(items) else None
        for end in range(place + min(length, run.most), place + run.least - 1, -1):
            if isinstance(after, _Char) and not after.stands[end]:
                self.steps += 2
            else:
                yield from self.ends(items, end, at + 1)

    def _made(self, items: Items) -> list[Item]:
        return [self._item(code, argument) for code, argument in items]

    def _item(self, code: Any, argument: Any) -> Item:
        if code in _SINGLE:
            return self._char(code, argument)
        if code is op.AT:
            return lambda place: (place,) if self._is_at(argument, place) else ()
        if code is op.BRANCH:
            return partial(self._ends_of_branches, [self._made(each) for each in argument[1]])
        if code is op.SUBPATTERN:
            return partial(self.ends, self._made(argument[3]))
        if code is op.MAX_REPEAT:
            return self._repeat(*argument)
        if code not in {op.ASSERT, op.ASSERT_NOT}:
            raise ValueError(f"the meter does not know {code}: teach it")
        direction, looked = argument
        inner, wanted = self._made(looked), code is op.ASSERT
        return lambda place: (place,) if self._looks(direction, inner, place) is wanted else ()

    def _repeat(self, least: int, most: Any, body: Items) -> Item:
        if len(body) == 1 and body[0][0] in _SINGLE:
            return _Run(self._char(*body[0]), least, int(most))
        return partial(self._repeated, least, int(most), self._made(body))

    def _ends_of_branches(self, branches: list[list[Item]], place: int) -> Iterator[int]:
        for branch in branches:
            first = branch[0] if branch else None
            if isinstance(first, _Char) and not first.stands[place]:
                self.steps += 2
            else:
                yield from self.ends(branch, place)

    def _looks(self, direction: int, items: list[Item], place: int) -> bool:
        """Whether `items` stand after `place`, or before it: then each is one character."""
        if direction == 1:
            return next(self.ends(items, place), None) is not None
        begin = place - len(items)
        return begin >= 0 and place in self.ends(items, begin)

    def _repeated(self, least: int, most: int, body: list[Item], place: int) -> Iterator[int]:
        if most > 0:
            for end in self.ends(body, place):
                if end > place:
                    yield from self._repeated(max(0, least - 1), most - 1, body, end)
        if least == 0:
            yield place

    def _char(self, code: Any, argument: Any) -> _Char:
        key = (code, str(argument))
        if key not in self._chars:
            self._chars[key] = _Char(self._text, partial(self._is_one, code, argument))
        return self._chars[key]

    def _is_one(self, code: Any, argument: Any, char: str) -> bool:
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
    found: list[tuple[int, int]] = []
    place = 0
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(50_000)
    try:
        if whole or in_place:
            ends = (end for end in matcher.ends(matcher.items, 0) if in_place or end == len(text))
            return [(0, end) for end in itertools.islice(ends, 1)], matcher.steps
        while place <= len(text):
            end = next(matcher.ends(matcher.items, place), None)
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


@cache
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
