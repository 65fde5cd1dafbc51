"""Stored responses, and a place that keeps them, for tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from proxy.access.clients import Client
from proxy.access.reach import Reach
from proxy.core.responses.wire import MessageItem, Part, ResponseObject
from proxy.errors import ModelNotFound
from proxy.state.memory_store import MemoryStore
from proxy.state.responses import Stored, StoredResponses
from proxy.state.store import Store

ANN, BOB = Client("ann", "1"), Client("bob", "2")
TTL_S = 60


def reach_of(model: str | None, client: Client) -> Reach:
    """As a proxy with two profiles, one of which a key may not have."""
    grant = client.allowed
    if grant.profiles is not None and model not in grant.profiles:
        raise ModelNotFound.of(str(model))
    return Reach(f"of {model}", grant.workspaces)


def stored_responses(store: Store | None = None, **changes: Any) -> StoredResponses:
    home = MemoryStore(1_000_000) if store is None else store
    return replace(StoredResponses(home, TTL_S, "ours", reach_of, 100_000), **changes)


def asked(id: str, text: str = "") -> MessageItem:
    parts: list[Part] = [{"type": "input_text", "text": text}]
    return _message(f"msg_{id}", "user", parts)


def said(id: str, text: str = "") -> MessageItem:
    parts: list[Part] = [{"type": "output_text", "text": text, "annotations": []}]
    return _message(f"msg_{id}", "assistant", parts)


def _message(id: str, role: Literal["user", "assistant"], content: list[Part]) -> MessageItem:
    return {
        "type": "message",
        "id": id,
        "role": role,
        "status": "completed",
        "content": content,
    }


def answer(id: str, previous: str | None = None, model: str | None = None) -> Stored:
    response: ResponseObject = {
        "id": f"resp_{id}",
        "object": "response",
        "output": [said(f"a{id}", f"Answer {id}. é🦊\x00")],
    }
    return Stored(response, (asked(f"q{id}", f"Question {id}?"),), previous, model)


def nobody_minds(_size: int) -> None: ...
