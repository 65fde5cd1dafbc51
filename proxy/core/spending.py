"""The tokens of an answer's rounds that the upstream has not counted, by estimate.

A round that breaks off, or whose client hangs up, costs tokens all the same, but no usage comes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final, NamedTuple, Self

from proxy.core.chat import text_of
from proxy.core.room import Room
from proxy.core.wire import Message, Usage
from proxy.errors import (
    BadCredentials,
    ModelNotFound,
    Overloaded,
    RateLimited,
    Unreachable,
    UpstreamRejected,
)

CHARS_OF_A_TOKEN: Final = 4
TOKENS_OF_AN_IMAGE: Final = 1_000
_COST_NOTHING: Final = (
    BadCredentials,
    ModelNotFound,
    Overloaded,
    RateLimited,
    Unreachable,
    UpstreamRejected,
)
"""Errors with which an upstream refuses a round. It has not begun, if nothing was heard of it."""


def costs_nothing(error: BaseException | None) -> bool:
    """Whether nothing was spent on a round that ended so, and of which nothing was heard."""
    return isinstance(error, _COST_NOTHING)


class Estimate(NamedTuple):
    """What no usage has come for."""

    tokens: int
    rounds: int


class Spending:
    """What the rounds so far may have cost. As a context manager it stands around one round."""

    __slots__ = ("_asked", "_left", "_room", "_rounds", "_tokens")

    def __init__(self) -> None:
        self._tokens = self._rounds = 0
        self._asked: Sequence[Message] | None = None
        """What the model was shown in a round that is not counted yet."""
        self._room: Room
        self._left = 0

    def of_round(self, asked: Sequence[Message], room: Room) -> Self:
        """A round begins. `room` is what shrinks by the characters that the model says."""
        self._asked, self._room, self._left = asked, room, room.left
        return self

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if costs_nothing(error) and self._room.left == self._left:
            self._asked = None

    def count(self, usage: Usage) -> None:
        """The round has ended, and the upstream says that it cost this."""
        if not usage.get("total_tokens"):
            self._tokens, self._rounds = self.estimate()
        self._asked = None

    def estimate(self, *, is_told: bool = False) -> Estimate:
        """All rounds for which no usage has come. `is_told`: it has for the one that goes on."""
        if self._asked is None or is_told:
            return Estimate(self._tokens, self._rounds)
        said = (self._left - self._room.left) // CHARS_OF_A_TOKEN
        return Estimate(self._tokens + tokens_of(self._asked) + said, self._rounds + 1)


def tokens_of(messages: Sequence[Message]) -> int:
    """About how many tokens messages take. An image counts as TOKENS_OF_AN_IMAGE."""
    chars = images = 0
    for message in messages:
        chars += len(text_of(message.get("content"))) + len(str(message.get("tool_calls") or ""))
        images += len(_images(message))
    return chars // CHARS_OF_A_TOKEN + images * TOKENS_OF_AN_IMAGE


def tokens_of_body(size: int, messages: Sequence[Message]) -> int:
    """About how many tokens the prompt takes that came in a body of `size` bytes.

    Its `messages` may hold more than the body did: what a client goes on from by an id.
    """
    images = [image for message in messages for image in _images(message)]
    size -= sum(len(str(image.get("image_url"))) for image in images)
    of_body = max(size, 0) // CHARS_OF_A_TOKEN + len(images) * TOKENS_OF_AN_IMAGE
    return max(of_body, tokens_of(messages))


def _images(message: Message) -> list[Mapping[str, object]]:
    content: object = message.get("content")
    if not isinstance(content, list):
        return []
    return [each for each in content if isinstance(each, dict) and each.get("type") == "image_url"]
