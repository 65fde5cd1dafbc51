"""What the kernel says about processes."""

import os
import subprocess
import sys
import time
from pathlib import Path

from bench.procstat import (
    busy_seconds,
    cpu_between,
    cpu_seconds,
    machine,
    resident_bytes,
    tree,
)
from tests.support.program import running

NOBODY = 2**22 + 1
"""More than the kernel's largest process id."""


def test_a_tree_is_a_process_and_all_that_descend_from_it(tmp_path: Path) -> None:
    for pid, parent in ((10, 1), (11, 10), (12, 11), (13, 1)):
        folder = tmp_path / str(pid)
        folder.mkdir()
        (folder / "stat").write_text(f"{pid} (a (strange) name) S {parent} 0 0\n")
    (tmp_path / "self").mkdir()
    (tmp_path / "99").mkdir()  # has ended meanwhile
    assert tree(10, tmp_path) == (10, 11, 12)


def test_a_child_is_in_the_tree_of_its_parent() -> None:
    with running([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert child.pid in tree(os.getpid())


def test_cpu_time_is_that_of_the_process() -> None:
    before = cpu_seconds([os.getpid()])
    spent_before = time.process_time()
    sum(range(300_000))
    spent = time.process_time() - spent_before
    assert cpu_between(before, cpu_seconds([os.getpid()])) >= spent > 0


def test_a_process_that_is_new_counts_whole_and_an_ended_one_not_at_all() -> None:
    assert cpu_between({1: 5.0, 2: 1.0}, {1: 6.0, 3: 2.0}) == 3.0
    assert cpu_seconds([NOBODY]) == {}


def test_memory_is_the_sum_of_what_processes_hold(tmp_path: Path) -> None:
    for pid, pages in (("7", 10), ("8", 5)):
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "statm").write_text(f"100 {pages} 3 1 0 4 0\n")
    page = os.sysconf("SC_PAGE_SIZE")
    assert resident_bytes([7, 8, 9], tmp_path) == 15 * page


def test_busy_is_all_but_idle_and_guests_that_are_counted_already(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("cpu  100 20 30 5000 400 5 6 7 80 9\ncpu0 1 2 3\n")
    assert busy_seconds(tmp_path) * os.sysconf("SC_CLK_TCK") == 168


def test_the_machine_is_described(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor : 0\nmodel name\t: Fast CPU\n")
    (tmp_path / "meminfo").write_text("MemTotal:       25165824 kB\nMemFree: 1 kB\n")
    assert machine(tmp_path).describe().startswith("Fast CPU, ")
    assert ", 24 GiB of memory, Linux " in machine(tmp_path).describe()
    (tmp_path / "cpuinfo").write_text("processor : 0\n")
    assert machine(tmp_path).cpu
