"""The numbers of citations in messages that a client sends back.

A client knows sources by the numbers of its own answer, the model knows passages by theirs. No
number may mean two things to the model. So passages are numbered above all numbers in the client's
messages, and a kept turn is put back with the model's own numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from proxy.core.chat import text_of
from proxy.core.text.markers import Bracket, read_bracket
from proxy.core.text.window import Window
from proxy.core.wire import Content, Message

MOST: Final = 999
"""The highest number that is taken for one of a citation."""
_BRACKET: Final = re.compile(r"[\[【\uff3b]([^\[\]【】\uff3b\uff3d]{1,80})[\]】\uff3d]")
_NUMBER: Final = re.compile(r"[\d.]+")
_WRITTEN: Final = re.compile(r"\[(\d{1,3})\](?![(:\[])|\[(\d{1,3})\](?=\[\d)")
"""A citation as the proxy writes it."""


def highest_number(messages: Iterable[Message]) -> int:
    """The highest number in brackets in what the assistant has said, up to `MOST`; 0 if none."""
    return max((n for each in messages for n in _numbers(each)), default=0)


def since_question(messages: Sequence[Message]) -> int:
    """The place of the first message after the last one of the user's."""
    return 1 + max((i for i, each in enumerate(messages) if each["role"] == "user"), default=-1)


def _numbers(message: Message) -> Iterable[int]:
    if message["role"] != "assistant":
        return
    for match in _BRACKET.finditer(text_of(message.get("content"))):
        yield from (n for n in _in_bracket(match) if n <= MOST)


def _in_bracket(match: re.Match[str]) -> Iterable[int]:
    """The passages it cites; any numbers in it if it does not look like a citation."""
    bracket = read_bracket(Window(match[0], final=True), 0)
    if isinstance(bracket, Bracket):
        return bracket.numbers
    return (int(each) for each in _NUMBER.findall(match[1]) if each.isdecimal())


def cited(text: str) -> set[int]:
    """The numbers that an answer of the proxy's cites in `text`."""
    return {int(match[1] or match[2]) for match in _WRITTEN.finditer(text)}


def renumbered(content: Content, numbers: Mapping[int, int]) -> Content:
    """A message's content with other numbers in its citations, where there are others."""
    return _rewritten(content, lambda number: f"[{numbers.get(number, number)}]")


def without(content: Content, numbers: AbstractSet[int]) -> Content:
    """A message's content without the citations that bear one of `numbers`."""
    return _rewritten(content, lambda number: "" if number in numbers else f"[{number}]")


def _rewritten(content: Content, write: Callable[[int], str]) -> Content:
    def of(text: str) -> str:
        return _WRITTEN.sub(lambda match: write(int(match[1] or match[2])), text)

    if isinstance(content, list):
        return [
            {**each, "text": of(each["text"])} if isinstance(each.get("text"), str) else each
            for each in content
        ]
    return of(content) if content else content
