"""Lines of a usage file."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from proxy.access.clients import Client
from proxy.telemetry.people import PeopleInRecords
from proxy.telemetry.prices import ModelPrice, Prices
from proxy.telemetry.usage_record import UsageRecords
from tests.telemetry.samples import answer_facts, request_facts

ACME, BOLT = Client("acme", "k1"), Client("bolt", "k2")
PEOPLE = PeopleInRecords(b"a secret")
PRICES = Prices({"llama": ModelPrice(1, 2, 0.5)}, 0.01)


def usage_line(
    day: str = "2026-11-26",
    client: Client = ACME,
    people: PeopleInRecords = PEOPLE,
    **answer: Any,
) -> bytes:
    """A line of an answer with 100 + 20 tokens and one search, unless `answer` says otherwise.

    It costs 0.01014 EUR.
    """
    given = {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "tokens": 120,
        "searches": 1,
        "cached_tokens": 0,
    }
    facts = request_facts(
        client=client,
        person=people.name_of(client),
        answer=answer_facts(**{**given, **answer}),
    )
    records = UsageRecords(PRICES, {"hr"}, "llama")
    return records.line(facts, datetime.fromisoformat(f"{day}T12:00:00+00:00"))


def failed_line(day: str = "2026-11-26", client: Client = ACME) -> bytes:
    """A line of a request that was refused before the model was asked."""
    records = UsageRecords(PRICES, {"hr"}, "llama")
    when = datetime.fromisoformat(f"{day}T12:00:00+00:00")
    return records.line(request_facts(client=client, status=400), when)
