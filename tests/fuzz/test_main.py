"""The command."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.fuzz import __main__ as command
from tests.fuzz.runner import UnavailableError
from tests.fuzz.targets import TARGETS
from tests.fuzz.test_runner import Picky


@contextmanager
def picky() -> Iterator[Picky]:
    target = Picky()
    target.name = "sse"
    yield target


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def fuzz(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(command.main, arguments)
    return done.exit_code, done.output


def test_it_says_how_many_cases_were_tried() -> None:
    code, said = fuzz("--only", "sse", "--only", "frames", "--cases", "5", "--seed", "3")
    assert code == 0
    assert said == "seed 3\nsse      5 cases, ok\nframes   5 cases, ok\n"


def test_a_case_that_fails_is_kept_and_can_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "TARGETS", {"sse": picky})
    code, said = fuzz("--only", "sse", "--seed", "1")
    assert code == 1
    again = re.findall(r'make fuzz ARGS="(.*)"', said)
    assert len(again) == 2
    for options in again:
        code, said = fuzz(*options.split())
        assert code == 1
        assert "AssertionError" in said
    (file,) = Path(".fuzz").iterdir()
    assert file.read_bytes() == b"!"
    file.write_bytes(b"a")
    assert fuzz("--only", "sse", "--replay", str(file)) == (0, "b'a'\nok\n")


def test_a_target_that_lacks_something_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def missing() -> Iterator[Picky]:
        raise UnavailableError("run: make it")
        yield picky()

    monkeypatch.setattr(command, "TARGETS", {"sse": missing, "frames": TARGETS["frames"]})
    code, said = fuzz("--only", "sse", "--only", "frames", "--cases", "5", "--seed", "3")
    assert code == 1
    assert said == "seed 3\nsse      NOT TRIED: run: make it\nframes   5 cases, ok\n"


@pytest.mark.parametrize("arguments", [("--number", "1"), ("--only", "nothing")])
def test_a_wrong_choice_is_said(arguments: tuple[str, ...]) -> None:
    code, said = fuzz(*arguments)
    assert code == 2
    assert "Error" in said
