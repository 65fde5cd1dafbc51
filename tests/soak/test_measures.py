"""What a process holds."""

import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from tests.soak.measures import MEMORY_SLACK, Measures, kept, measured

BEFORE = Measures(descriptors=20, sockets=4, tasks=3, memory=80_000_000)


def test_a_socket_is_a_descriptor_and_a_socket_and_a_file_is_no_socket(tmp_path: Path) -> None:
    before = measured(os.getpid(), 1)
    with socket.socket():
        one = measured(os.getpid(), 1)
    with (tmp_path / "file").open("w"):
        other = measured(os.getpid(), 1)
    assert (one.descriptors, one.sockets) == (before.descriptors + 1, before.sockets + 1)
    assert (other.descriptors, other.sockets) == (before.descriptors + 1, before.sockets)
    assert before.memory > 1_000_000


@pytest.mark.parametrize("name", ["descriptors", "sockets", "tasks"])
def test_one_more_of_what_is_counted_was_not_given_back(name: str) -> None:
    after = replace(BEFORE, **{name: getattr(BEFORE, name) + 1})
    assert kept(BEFORE, after) == (f"{name}: {getattr(after, name)} after {getattr(BEFORE, name)}",)
    assert kept(after, BEFORE) == ()


def test_memory_may_grow_within_its_slack() -> None:
    grown = replace(BEFORE, memory=BEFORE.memory + MEMORY_SLACK)
    assert kept(BEFORE, grown) == ()
    more = replace(BEFORE, memory=BEFORE.memory + 20 * 1024**2)
    assert kept(BEFORE, more) == ("memory: 20.0 MiB more, where 16 may be",)


def test_measures_read_as_a_line() -> None:
    assert str(BEFORE) == "20 descriptors, 4 sockets, 3 tasks, 76.3 MiB"
