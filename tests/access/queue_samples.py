"""Tickets for tests of the queue before the model."""

from __future__ import annotations

from proxy.access.fair_queue import Ticket


def ticket(
    key: str = "acme",
    person: str = "",
    model: str = "m",
    *,
    weight: int = 1,
    is_further: bool = False,
) -> Ticket:
    return Ticket(key, person, model, weight, is_further)
