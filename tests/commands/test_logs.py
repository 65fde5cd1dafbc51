import logging
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import pytest

from proxy.commands.logs import LineHandler, configure_logging
from tests.commands.test_serve import on_linux
from tests.support.program import PATIENCE_S, clean_environment, running


def test_the_log_goes_to_stderr_from_the_level_on(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    root = logging.RootLogger(logging.NOTSET)
    monkeypatch.setattr(logging, "root", root)
    configure_logging("warning")
    root.info("quiet")
    root.warning("loud")
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err.endswith("WARNING root: loud\n")
    assert "quiet" not in printed.err


# Nobody reads


def saying(text: str) -> logging.LogRecord:
    return logging.LogRecord("proxy", logging.INFO, "here.py", 1, text, None, None)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe's end to read from and its end to write to, which the test may close."""
    ends = os.pipe()
    os.set_blocking(ends[0], False)
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue


@pytest.mark.parametrize("can_be_opened_anew", [True, False])
def test_lines_that_nobody_reads_are_lost_and_counted(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch, *, can_be_opened_anew: bool
) -> None:
    reads, writes = pipe
    if not can_be_opened_anew:
        monkeypatch.setattr("proxy.commands.logs._opened_anew", lambda descriptor: descriptor)
    handler = LineHandler(writes)
    for number in range(10_000):
        handler.handle(saying(f"line {number} " + "x" * 100))
    read = os.read(reads, 10_000_000).decode()
    kept = read.count("\n")
    assert 100 < kept < 5_000
    assert read.splitlines()[-1].startswith(f"line {kept - 1} ")
    handler.handle(saying("now"))
    handler.handle(saying("and now"))
    told = os.read(reads, 1_000).decode()
    assert told == f"({10_000 - kept} lines were lost: nobody read them.)\nnow\nand now\n"


def test_a_pipe_whose_reader_has_gone_is_no_fault(pipe: tuple[int, int]) -> None:
    reads, writes = pipe
    handler = LineHandler(writes)
    os.close(reads)
    for _ in range(3):
        handler.handle(saying("x"))


def test_a_long_text_is_written_whole(pipe: tuple[int, int]) -> None:
    reads, writes = pipe
    LineHandler(writes).handle(saying("x" * 20_000))
    assert os.read(reads, 100_000) == b"x" * 20_000 + b"\n"


def test_what_is_no_pipe_is_written_to_as_well(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as file:
        file.write(b"before\n")
        file.flush()
        handler = LineHandler(file.fileno())
        handler.handle(saying("one"))
        handler.handle(saying("lone \udc80"))
    assert (tmp_path / "log").read_bytes() == b"before\none\nlone \\udc80\n"


def test_a_line_is_written_although_no_descriptor_is_left(pipe: tuple[int, int]) -> None:
    reads, writes = pipe
    handler = LineHandler(writes)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as last:
        most = last.fileno()
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            socket.socket()
        handler.handle(saying("no descriptors"))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert os.read(reads, 1_000) == b"no descriptors\n"


def fill(reads: int) -> None:
    """Write to a pipe, of which this is the end to read from, until not a byte more has room."""
    writes = os.open(f"/proc/self/fd/{reads}", os.O_WRONLY | os.O_NONBLOCK)
    with suppress(BlockingIOError):
        while True:
            os.write(writes, b"x")
    os.close(writes)


@on_linux
@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("reader", ["goes", "stays"])
def test_a_server_goes_on_and_ends_when_nobody_reads_what_it_says(
    tmp_path: Path, workers: str, reader: str
) -> None:
    with running(
        [sys.executable, "-m", "proxy", "serve", "--port", "0", "--workers", workers],
        cwd=tmp_path,
        env=clean_environment(
            {
                "LIGHTON_API_KEY": "k",
                "SCALEWAY_API_KEY": "k",
                "PYTHONPATH": str(Path(__file__).parents[2]),
            }
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as program:
        assert program.stdout is not None
        line = ""
        while " on http://" not in line:
            line = program.stdout.readline()
            assert line, "it has ended"
        url = line.split()[3]
        if reader == "goes":
            program.stdout.close()
        for _ in range(300):  # more than a pipe holds
            with urlopen(f"{url.removesuffix('/v1')}/{'v1/' * 60}health", timeout=30) as reply:  # noqa: S310 - our own http address
                assert reply.status == 200
        if reader == "stays":
            fill(program.stdout.fileno())
        program.send_signal(signal.SIGINT)
        assert program.wait(PATIENCE_S) == 130


def test_what_is_said_to_nobody_is_no_fault(pipe: tuple[int, int]) -> None:
    reads, writes = pipe
    os.close(reads)
    said = "from proxy.commands.logs import say; say('one'); say('two'); say('three', err=True)"
    run = subprocess.run(  # noqa: S603 - our own program, no shell
        [sys.executable, "-c", said],
        cwd=Path(__file__).parents[2],
        stdout=writes,
        stderr=subprocess.PIPE,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, b"three\n")
