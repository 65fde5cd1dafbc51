from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from proxy.commands import worker_boards
from proxy.commands.worker_boards import boards_of_worker, name_board, shared_boards
from proxy.errors import SettingsError
from proxy.settings import Settings
from proxy.telemetry.series import RETRIES

DNS = ("LightOn", "dns")


def test_a_worker_counts_in_the_file_of_its_place_and_the_next_one_goes_on_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("_RAG_PROXY_BOARD", "")
    with shared_boards(Settings()) as boards:
        assert boards is not None
        assert boards.folder is not None
        for place in (0, 1, 1):
            name_board(boards.folder, place)
            of_worker = boards_of_worker()
            assert of_worker.own is not None
            of_worker.own.add(RETRIES, DNS)
            of_worker.own.close()
        assert sorted(each.name for each in boards.folder.iterdir()) == ["0", "1"]
        assert boards.read()[RETRIES] == {DNS: (3,)}
    assert not boards.folder.exists()


def test_who_is_not_told_a_file_counts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("_RAG_PROXY_BOARD", raising=False)
    boards = boards_of_worker()
    assert (boards.own is None, boards.folder) == (False, None)


def test_nothing_is_made_where_nothing_is_counted() -> None:
    with shared_boards(Settings(metrics=False)) as boards:
        assert boards is None


@pytest.mark.parametrize("has_memory", [True, False])
def test_the_folder_is_in_memory_where_there_is_such_a_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, has_memory: bool
) -> None:
    memory, other = tmp_path / "memory", tmp_path / "other"
    other.mkdir()
    if has_memory:
        memory.mkdir()
    monkeypatch.setattr(worker_boards, "_IN_MEMORY", memory)
    monkeypatch.setattr(tempfile, "tempdir", str(other))
    with shared_boards(Settings()) as boards:
        assert boards is not None
        assert boards.folder is not None
        assert boards.folder.parent == (memory if has_memory else other)
        assert boards.folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("has_memory", [True, False])
def test_a_worker_holds_the_folder_in_memory_in_which_it_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, has_memory: bool
) -> None:
    held: list[Path] = []
    monkeypatch.setattr(worker_boards, "hold", held.append)
    monkeypatch.setattr(worker_boards, "_IN_MEMORY", tmp_path if has_memory else tmp_path / "none")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("_RAG_PROXY_BOARD", "")
    with shared_boards(Settings()) as boards:
        assert boards is not None
        assert boards.folder is not None
        name_board(boards.folder, 0)
        own = boards_of_worker().own
        assert own is not None
        own.close()
    assert held == ([boards.folder] if has_memory else [])


def test_without_any_folder_the_start_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(worker_boards, "_IN_MEMORY", tmp_path / "none")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(SettingsError, match="TMPDIR"), shared_boards(Settings()):
        pass
