"""The log's way to stderr. Nobody who logs waits for who reads."""

from __future__ import annotations

import logging
import os
import resource
import select
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

import pytest

from proxy.commands import log_handler
from proxy.commands.log_formats import FORMATTERS
from proxy.commands.log_handler import LogHandler

PATIENCE_S = 60
PLAIN = logging.Formatter("%(levelname)s %(message)s")
Ends = tuple[int, int]
NO_LIMITS: Mapping[str, int] = MappingProxyType({})


def saying(text: str, level: int = logging.INFO) -> logging.LogRecord:
    return logging.LogRecord("proxy", level, "here.py", 1, text, None, None)


class Logs:
    """Handlers, whose threads end before the numbers that they write to are those of others."""

    def __init__(self) -> None:
        self._made: list[LogHandler] = []

    def to(
        self,
        descriptor: int,
        formatter: logging.Formatter = PLAIN,
        most: Mapping[str, int] = NO_LIMITS,
    ) -> LogHandler:
        made = LogHandler(descriptor, **most)
        made.setFormatter(formatter)
        self._made.append(made)
        return made

    def end(self) -> None:
        for each in self._made:
            each._lines.close(PATIENCE_S)


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Logs]:
    monkeypatch.setattr(log_handler, "_PATIENCE_S", PATIENCE_S)
    made = Logs()
    yield made
    made.end()


@pytest.fixture
def pipe(logs: Logs) -> Iterator[Ends]:
    """A pipe's end to read from, which the test may close, and its end to write to."""
    reads, writes = os.pipe()
    yield reads, writes
    with suppress(OSError):
        os.close(reads)
    logs.end()  # whoever waits for a reader is told that there is none
    os.close(writes)


def fill(writes: int) -> None:
    """Write dots until not one more has room."""
    os.set_blocking(writes, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writes, b".")
    os.set_blocking(writes, True)


def read_until(reads: int, end: str) -> str:
    """What is written, until it ends so."""
    told = b""
    while not told.decode().endswith(end):
        assert select.select([reads], [], [], PATIENCE_S)[0], told[-300:]
        told += os.read(reads, 1_000_000)
    return told.decode()


def test_lines_come_out_in_their_order(pipe: Ends, logs: Logs) -> None:
    reads, writes = pipe
    log = logs.to(writes)
    for number in range(300):
        log.handle(saying(f"line {number}"))
    told = read_until(reads, "line 299\n")
    assert told == "".join(f"INFO line {number}\n" for number in range(300))


@pytest.mark.parametrize("most", [{"most_lines": 50}, {"most_bytes": 50 * 112}])
def test_lines_that_nobody_reads_wait_and_then_are_lost_and_counted(
    pipe: Ends, logs: Logs, most: dict[str, int]
) -> None:
    reads, writes = pipe
    log = logs.to(writes, most=most)
    fill(writes)
    for number in range(10_000):
        log.handle(saying(f"line {number} " + "x" * 100))
    told = read_until(reads, " were lost.\n").lstrip(".").splitlines()
    kept = len(told) - 1
    assert 50 <= kept <= 150
    notice = f"Too few lines of the log were read: {10_000 - kept} lines were lost."
    assert told[-1] == f"WARNING {notice}"
    numbers = [int(each.split()[2]) for each in told[:-1]]
    assert numbers == list(range(kept))
    log.handle(saying("now"))
    assert read_until(reads, "now\n") == "INFO now\n"


def test_one_line_that_is_lost_is_one(pipe: Ends, logs: Logs) -> None:
    reads, writes = pipe
    log = logs.to(writes)
    os.close(reads)
    log.handle(saying("x"))
    log.flush()
    assert b"one line was lost" in log._lost(1)


def test_nobody_waits_for_a_reader_that_takes_nothing(
    pipe: Ends, logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, writes = pipe
    monkeypatch.setattr(log_handler, "_PATIENCE_S", 0.1)
    log = logs.to(writes)
    for _ in range(2_000):
        log.handle(saying("x" * 200))
    flushed = threading.Thread(target=log.flush)
    flushed.start()
    flushed.join(PATIENCE_S)
    assert not flushed.is_alive()
    assert log._is_stuck
    with monkeypatch.context() as waiting:
        waiting.setattr(log._lines, "settle", lambda _: pytest.fail("it waits again"))
        log.close()


def test_a_pipe_whose_reader_has_gone_is_no_fault_and_what_is_lost_is_told_to_the_next(
    tmp_path: Path, logs: Logs
) -> None:
    fifo = tmp_path / "log"
    os.mkfifo(fifo)
    first = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    writes = os.open(fifo, os.O_WRONLY)
    log = logs.to(writes)
    os.close(first)
    for _ in range(3):
        log.handle(saying("x"))
    log.flush()
    second = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    log.handle(saying("y"))
    told = read_until(second, " lost.\n")
    assert told.startswith("INFO y\nWARNING ")
    assert "3 lines were lost" in told
    os.close(second)
    logs.end()
    os.close(writes)


def test_a_long_text_is_written_whole(pipe: Ends, logs: Logs) -> None:
    reads, writes = pipe
    logs.to(writes).handle(saying("x" * 200_000))
    assert read_until(reads, "\n") == f"INFO {'x' * 200_000}\n"


def test_a_pipe_that_somebody_made_impatient_is_waited_for(pipe: Ends, logs: Logs) -> None:
    reads, writes = pipe
    os.set_blocking(writes, False)
    log = logs.to(writes)
    for _ in range(2_000):
        log.handle(saying("x" * 200))
    log.handle(saying("last"))
    assert read_until(reads, "last\n").count("\n") == 2_001


def test_what_is_no_pipe_is_written_to_as_well(tmp_path: Path, logs: Logs) -> None:
    with (tmp_path / "log").open("wb") as file:
        file.write(b"before\n")
        file.flush()
        log = logs.to(file.fileno())
        log.handle(saying("one"))
        log.handle(saying("lone \udc80"))
        log.flush()
    assert (tmp_path / "log").read_bytes() == b"before\nINFO one\nINFO lone \\udc80\n"


def test_a_line_is_written_although_no_descriptor_is_left(pipe: Ends, logs: Logs) -> None:
    reads, writes = pipe
    log = logs.to(writes)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as last:
        most = last.fileno()
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            socket.socket()
        log.handle(saying("no descriptors"))
        log.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert os.read(reads, 1_000) == b"INFO no descriptors\n"


def test_the_notice_of_lost_lines_has_the_form_of_the_log(pipe: Ends, logs: Logs) -> None:
    reads, writes = pipe
    log = logs.to(writes, FORMATTERS["json"], {"most_lines": 5})
    fill(writes)
    for _ in range(1_000):
        log.handle(saying("x" * 100))
    lines = read_until(reads, 'lost."}\n').lstrip(".").splitlines()
    assert all(each.startswith("{") and each.endswith("}") for each in lines)
    assert '"level":"warning","logger":"proxy.commands.log_handler"' in lines[-1]


def test_a_log_that_closes_has_written_all(pipe: Ends, logs: Logs) -> None:
    reads, writes = pipe
    log = logs.to(writes)
    for number in range(50):
        log.handle(saying(f"{number}"))
    log.close()
    assert os.read(reads, 10_000).endswith(b"INFO 49\n")
