import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from proxy.commands.logs import configure_logging, flush_log, warn
from tests.commands.test_serve import on_linux, started
from tests.support.program import PATIENCE_S, Program, clean_environment, running


def test_the_log_goes_to_stderr_from_the_level_on(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    root = logging.RootLogger(logging.NOTSET)
    monkeypatch.setattr(logging, "root", root)
    configure_logging("warning")
    root.info("quiet")
    root.warning("loud")
    flush_log()
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err.endswith("WARNING root: loud\n")
    assert "quiet" not in printed.err


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe's end to read from and its end to write to, which the test may close."""
    ends = os.pipe()
    yield ends
    for end in ends:
        with suppress(OSError):
            os.close(end)


# The form of the log

FAULTY = """
import logging, warnings
from proxy.commands.logs import configure_logging, follow, warn
configure_logging("info", "json")
logging.getLogger("uvicorn.error").info("one")
warnings.warn("careful")
warn("no keys", "json")
try:
    raise ValueError("two\\nlines")
except ValueError:
    logging.getLogger("a").exception("bad")
follow("error", "text")
logging.getLogger("a").info("quiet")
logging.getLogger("a").error("loud")
follow("info", "json")
raise KeyError("the end")
"""


def test_all_that_a_process_says_is_json_until_its_end_by_a_fault(tmp_path: Path) -> None:
    (tmp_path / "faulty.py").write_text(FAULTY)
    run = subprocess.run(
        [sys.executable, "faulty.py"],
        cwd=tmp_path,
        env=clean_environment({"PYTHONPATH": str(Path(__file__).parents[2])}),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    *others, text, last = run.stderr.splitlines()
    told = [json.loads(each) for each in (*others, last)]
    loggers = ["uvicorn.error", "py.warnings", "proxy.commands.logs", "a", "proxy.commands.logs"]
    assert [each["logger"] for each in told] == loggers
    assert "careful" in told[1]["message"]
    assert told[2]["message"] == "no keys"
    assert told[3]["exception"].endswith("ValueError: two\nlines")
    assert (told[-1]["level"], run.returncode) == ("critical", 1)
    assert told[-1]["exception"].endswith("KeyError: 'the end'")
    assert text.endswith("ERROR a: loud")


def test_as_text_a_warning_is_what_it_ever_was(capfd: pytest.CaptureFixture[str]) -> None:
    warn("no keys", "text")
    assert capfd.readouterr().err == "rag-proxy: warning: no keys\n"


def serving(tmp_path: Path, stack: ExitStack, *flags: str, **settings: str) -> tuple[Program, str]:
    """A proxy that serves, and its address."""
    env = {f"RAG_PROXY_{name.upper()}": value for name, value in settings.items()}
    keys = {"LIGHTON_API_KEY": "k", "SCALEWAY_API_KEY": "k"}
    program = Program("serve", "--port", "0", *flags, cwd=tmp_path, env={**keys, **env})
    url = started(stack.enter_context(program))
    return program, url.removesuffix("/v1")


@on_linux
@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_what_was_logged_last_is_written_however_the_server_ends(
    tmp_path: Path, workers: str, ending: signal.Signals
) -> None:
    with ExitStack() as stack:
        program, url = serving(tmp_path, stack, "--workers", workers, log_format="json")
        for number in range(20):
            with suppress(HTTPError):
                urlopen(f"{url}/v1/nothing/{number}", timeout=PATIENCE_S).close()  # noqa: S310 - our own http address
        with urlopen(f"{url}/health", timeout=PATIENCE_S):  # noqa: S310 - as above
            pass
        os.kill(program.pid, ending)
        program.wait()
        told = [json.loads(each) for each in program.err.rest().splitlines()]
    asked = [each["path"] for each in told if each["logger"] == "proxy.access"]
    assert sorted(asked) == sorted(f"/v1/nothing/{number}" for number in range(20))
    assert {each["from"] for each in told if "from" in each} == {"127.0.0.1"}


# Nobody reads


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
                "RAG_PROXY_LOG_PROBES": "true",
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
            path = "v1/" * 60 + "health"
            with urlopen(f"{url.removesuffix('v1')}{path}", timeout=PATIENCE_S) as reply:  # noqa: S310 - our own http address
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
