"""A message of the log that has fields. As text, it is words, and `name=value` for each field."""

from __future__ import annotations

import re
from typing import Final, NamedTuple, Self

from proxy.telemetry.facts import RequestFacts
from proxy.telemetry.log_fields import SENTENCES, Fields, log_fields

_PLAIN_WORD: Final = re.compile(r"[\w./:@+-]*", re.ASCII)
_IN_FRONT: Final = frozenset({"method", "path"})
"""The fields that the words say."""


class LogLine(NamedTuple):
    """A message to give to a logger. A form of the log that knows fields takes them from here."""

    words: tuple[str, ...]
    fields: Fields

    @classmethod
    def of(cls, facts: RequestFacts) -> Self:
        """The line of a request that is over."""
        fields = log_fields(facts)
        return cls((facts.method, str(fields["path"])), fields)

    @property
    def message(self) -> str:
        """The message without its fields."""
        return " ".join(map(_word, self.words))

    def __str__(self) -> str:
        """One line, whatever a client or an upstream wrote into it."""
        written = [
            f"{name}={_written(name, value) if isinstance(value, str) else value}"
            for name, value in self.fields.items()
            if name not in _IN_FRONT
        ]
        return " ".join((self.message, *written))


def _written(name: str, value: str) -> str:
    return _quoted(value) if name in SENTENCES else _word(value)


def _quoted(text: str) -> str:
    """A sentence as one value of the log line, whatever an upstream wrote into it."""
    escaped = text.encode("unicode_escape").decode().replace('"', r"\"")
    return f'"{escaped}"'


def _word(text: str) -> str:
    """`text` as one word of the log line, whatever a client wrote into it."""
    if _PLAIN_WORD.fullmatch(text):
        return text
    return text.encode("unicode_escape").decode().replace(" ", r"\x20")
