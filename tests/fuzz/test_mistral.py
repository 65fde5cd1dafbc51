"""A short seeded part of the target, with the stand-in's rules in the place of mistral-common."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from proxy.sandbox.scaleway import quirks
from proxy.sandbox.scaleway.errors import Rejected
from proxy.upstreams.scaleway import dialect
from tests.fuzz.mistral import FOLDER, Mistral, mistral, mistral_common
from tests.fuzz.runner import Bounds, UnavailableError, run
from tests.fuzz.targets import TARGETS

SEED = 1
CASES = 250


class StandIn:
    name = "stand-in"

    def complaint(self, body: Mapping[str, Any]) -> str:
        try:
            quirks.read({**body, "model": "mistral-small-3.2-24b-instruct-2506"})
        except Rejected as rejected:
            return str(rejected.body)
        return ""


@pytest.fixture
def target() -> Iterator[Mistral]:
    with asyncio.Runner() as runner:
        yield Mistral(runner, [StandIn()])


def test_every_history_is_accepted(target: Mistral) -> None:
    _, failure = run(target, SEED, Bounds(CASES))
    assert failure is None, failure.fault


@pytest.mark.parametrize(
    ("function", "broken"),
    [
        ("_alternating", lambda messages: messages),
        ("_system_first", lambda messages: messages),
        ("_bare", lambda message: message),
        ("_nine_characters", lambda call_id: call_id),
        ("_as_text", lambda parts: parts),
        ("_fit_call", lambda call, _: call),
    ],
)
def test_a_fault_is_found(
    monkeypatch: pytest.MonkeyPatch, target: Mistral, function: str, broken: Any
) -> None:
    monkeypatch.setattr(dialect, function, broken)
    _, failure = run(target, SEED, Bounds(CASES))
    assert failure


def test_cases_hold_many_kinds_of_rounds(target: Mistral) -> None:
    cases = [target.draw(Random(number)) for number in range(10)]
    assert len(set(cases)) == 10


def test_a_version_that_is_not_there_is_named_with_the_command_that_installs_it(
    tmp_path: Path,
) -> None:
    with (
        pytest.raises(UnavailableError, match=r"\(old\) is missing; run: make mistral-common"),
        mistral_common("old", tmp_path),
    ):
        pass


def test_it_is_one_of_the_targets() -> None:
    assert TARGETS["mistral"] is mistral


def test_its_folder_is_where_make_installs_it() -> None:
    makefile = (FOLDER.parents[1] / "Makefile").read_text()
    assert f"MISTRAL = {FOLDER.relative_to(FOLDER.parents[1])}\n" in makefile
