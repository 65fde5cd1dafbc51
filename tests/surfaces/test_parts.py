from __future__ import annotations

import asyncio

import pytest

from proxy.surfaces.parts import Parts, Share
from proxy.tasks import TaskScope


class Thing:
    """A part that tells what becomes of it."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log = name, log
        log.append(f"made {name}")

    async def work(self) -> None:
        self.log.append(f"begun {self.name}")
        try:
            await asyncio.Future()
        finally:
            self.log.append(f"ended {self.name}")

    async def aclose(self) -> None:
        self.log.append(f"closed {self.name}")


def thing(share: Share, name: str, log: list[str]) -> Thing:
    return share.of(Thing, name, log, job=Thing.work, close=Thing.aclose)


async def settled() -> None:
    """Let tasks that only log do so."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_is_made_of_the_same_is_made_once_and_ends_when_nobody_has_it() -> None:
    log: list[str] = []
    parts = Parts()
    async with TaskScope() as tasks:
        parts.begin(tasks)
        one, two = Share(parts), Share(parts)
        assert thing(one, "a", log) is thing(two, "a", log)
        assert thing(two, "b", log).name == "b"
        await settled()
        assert log == ["made a", "made b", "begun a", "begun b"]
        del log[:]
        one.give_back()
        await settled()
        assert log == []
        two.give_back()
        await settled()
        assert len(parts) == 0
        assert sorted(log) == ["closed a", "closed b", "ended a", "ended b"]
        assert log.index("ended a") < log.index("closed a")


async def test_a_part_that_has_ended_is_made_anew() -> None:
    log: list[str] = []
    parts = Parts()
    async with TaskScope() as tasks:
        parts.begin(tasks)
        first, second = Share(parts), Share(parts)
        thing(first, "a", log)
        first.give_back()
        thing(second, "a", log)
        await settled()
        assert log.count("made a") == 2
        second.give_back()


async def test_jobs_of_parts_that_are_there_begin_with_the_tasks() -> None:
    log: list[str] = []
    parts = Parts()
    thing(Share(parts), "a", log)
    await settled()
    assert log == ["made a"]
    async with TaskScope() as tasks:
        parts.begin(tasks)
        await settled()
        assert log == ["made a", "begun a"]


async def test_at_the_end_what_was_made_last_is_closed_first() -> None:
    log: list[str] = []
    parts = Parts()
    share = Share(parts)
    async with TaskScope() as tasks:
        parts.begin(tasks)
        for name in "ab":
            thing(share, name, log)
    await parts.aclose()
    assert [each for each in log if each.startswith("closed")] == ["closed b", "closed a"]


async def test_a_part_that_cannot_be_made_is_not_there() -> None:
    parts = Parts()
    with pytest.raises(ZeroDivisionError):
        Share(parts).of(lambda: 1 // 0)
    assert len(parts) == 0
