"""Asks the questions: conversation by conversation, each in every mode."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from tests.quality.questions import Conversation
from tests.quality.reply import Reply
from tests.quality.rows import Row

_LONGEST: Final = 160
"""Tokens of an answer."""
_PATIENCE_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Asker:
    """Sends questions to a proxy. At temperature 0 the model gives the same answer each time."""

    client: httpx.Client
    url: str
    model: str

    def ask(self, messages: list[dict[str, str]], mode: str, *, streamed: bool) -> Reply:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": messages,
            "temperature": 0,
            "seed": 1,
            "max_tokens": _LONGEST,
            "stream": streamed,
            "lighton": {"retrieval": mode},
        }
        address = f"{self.url}/v1/chat/completions"
        with self.client.stream("POST", address, json=body, timeout=_PATIENCE_S) as reply:
            if reply.status_code != httpx.codes.OK:
                return Reply(error=f"{reply.status_code}: {reply.read().decode()}")
            if streamed:
                return Reply.of_stream(reply.iter_lines())
            reply.read()
            return Reply.of_body(reply.json())


def measure(
    asker: Asker,
    conversations: Sequence[Conversation],
    modes: Sequence[str],
    done: Collection[tuple[str, str]] = (),
) -> Iterator[Row]:
    """Every answer as it comes; every other question is streamed, the same ones in each mode.

    `done` are modes and questions. A conversation is left out only if all of it is done, because a
    proxy that remembers searches must have run them itself.
    """
    number = 0
    for conversation in conversations:
        for mode in modes:
            if not all((mode, turn.ask) in done for turn in conversation.turns):
                yield from _held(asker, conversation, mode, number)
        number += len(conversation.turns)


def _held(asker: Asker, conversation: Conversation, mode: str, number: int) -> Iterator[Row]:
    messages: list[dict[str, str]] = []
    for place, turn in enumerate(conversation.turns, start=number):
        messages.append({"role": "user", "content": turn.ask})
        began = time.monotonic()
        reply = asker.ask(messages, mode, streamed=place % 2 == 1)
        yield Row(mode, turn.ask, place % 2 == 1, round(time.monotonic() - began, 1), reply)
        messages.append({"role": "assistant", "content": reply.text})
