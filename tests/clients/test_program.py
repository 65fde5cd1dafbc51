"""Programs as child processes: what they say, and what is said of those that do not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.clients.program import PATIENCE_S, ProgramError, asked

ECHO = """
import sys
print("noise")
for line in sys.stdin:
    print("seen: " + line, flush=True)
"""


def ask(code: str, folder: Path, patience_s: float = PATIENCE_S) -> object:
    with asked((sys.executable, "-c", code), folder, {}, patience_s=patience_s) as program:
        return program.ask("answer", "Why?")


def test_it_is_asked_one_check_after_the_other(tmp_path: Path) -> None:
    with asked((sys.executable, "-c", ECHO), tmp_path, {}, patience_s=PATIENCE_S) as program:
        assert program.ask("answer", "Why?") == {"check": "answer", "question": "Why?"}
        assert program.ask("stream", "How?") == {"check": "stream", "question": "How?"}


def test_it_gets_its_environment(tmp_path: Path) -> None:
    code = "import os; input(); print('seen: ' + os.environ['IT'], flush=True)"
    env = {"IT": '{"text": "it"}'}
    with asked((sys.executable, "-c", code), tmp_path, env, patience_s=PATIENCE_S) as program:
        assert program.ask("answer", "?") == {"text": "it"}


def test_it_may_end_what_it_has_started(tmp_path: Path) -> None:
    code = ECHO + "open('ended', 'x').close()\n"
    with asked((sys.executable, "-c", code), tmp_path, {}, patience_s=PATIENCE_S) as program:
        program.ask("answer", "Why?")
        assert not (tmp_path / "ended").exists()
    assert (tmp_path / "ended").exists()


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("input(); raise ValueError('no such thing')", "ended: ValueError: no such thing"),
        ("input(); import sys; sys.exit('Stopped.')", "ended: Stopped."),
        ("pass", "ended: it said nothing"),
        (
            "import sys; print('  at x\\nTypeError: bad\\n    at y', file=sys.stderr)",
            "TypeError: bad",
        ),
    ],
)
def test_a_program_that_ends_is_a_failure_with_its_last_words(
    tmp_path: Path, code: str, why: str
) -> None:
    with pytest.raises(ProgramError, match=why):
        ask(code, tmp_path)


def test_a_program_that_hangs_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match=r"nothing came for 0\.1 s"):
        ask("import time; time.sleep(600)", tmp_path, patience_s=0.1)


def test_a_line_that_is_no_json_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="no JSON object: half"):
        ask("input(); print('seen: half', flush=True)", tmp_path)
