"""What a grant costs a request, as a count that is the same on every machine.

See `tests/test_cost_per_chunk.py` for how calls are counted, and who may raise a limit.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from proxy.access.grants import EVERYTHING, Grant
from tests.support.keyed import World
from tests.test_cost_per_chunk import Calls, counting

MOST_CALLS = 20
"""By which a request with a grant may exceed one without, which makes about 1,000 in this test."""

SETTINGS: dict[str, Any] = {"workspace_id": [42, 43], "profiles": {"hr": {"model": "llama"}}}
ALL = Grant(
    frozenset({42, 43}), frozenset({"hr"}), frozenset({"llama"}), frozenset({"tool", "context"})
)
BODY = {"messages": [{"role": "user", "content": "Hi"}], "lighton": {"retrieval": "context"}}


def calls_of_a_request(grant: Grant, model: str, profiles: int = 1) -> Calls:
    async def run() -> Calls:
        more: dict[str, Any] = {f"p{number}": {} for number in range(profiles - 1)}
        all_profiles = {**SETTINGS["profiles"], **more}
        world = World({"ann": grant}, {**SETTINGS, "profiles": all_profiles})
        await world.chat("ann", {**BODY, "model": model})  # what is made once is made here
        with counting() as calls:
            answer = await world.chat("ann", {**BODY, "model": model})
        assert answer.status == 200
        return calls

    return asyncio.run(run())


@pytest.mark.parametrize("model", ["hr", "llama"])
def test_a_grant_costs_a_handful_of_calls(model: str) -> None:
    free, held = calls_of_a_request(EVERYTHING, model), calls_of_a_request(ALL, model)
    more = held - free
    which = [f"{calls} {name}" for name, calls in more.items()]
    assert 0 < held.total() - free.total() <= MOST_CALLS, "\n".join(("", *which))


def test_a_grant_costs_the_same_among_many_profiles() -> None:
    few, many = (calls_of_a_request(ALL, "hr", profiles).total() for profiles in (2, 300))
    assert few == many
