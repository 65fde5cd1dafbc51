import os
from pathlib import Path

import pytest

from proxy.sandbox.documents.folder import Skipped, find_files
from tests.sandbox.samples import write


def test_documents_are_found_at_every_depth_in_order(tmp_path: Path) -> None:
    write(tmp_path, {"b/z.md": "z", "b/a/y.TXT": "y", "a.pdf": "p", "a/x.markdown": "x"})
    found = find_files(tmp_path)
    assert list(found.files) == ["a.pdf", "a/x.markdown", "b/a/y.TXT", "b/z.md"]
    assert found.files["b/a/y.TXT"] == tmp_path / "b" / "a" / "y.TXT"
    assert found.folders == ("a", "b")


def test_other_types_are_counted_and_hidden_files_are_not(tmp_path: Path) -> None:
    files = [
        "a.md",
        "logo.png",
        "sub/b.PNG",
        "data",
        ".hidden.md",
        ".git/config.md",
        "sub/.secret/b.md",
    ]
    write(tmp_path, dict.fromkeys(files, "x"))
    found = find_files(tmp_path)
    assert list(found.files) == ["a.md"]
    assert found.ignored == {".png": 2, "": 1}
    assert found.folders == ("sub",)


@pytest.mark.parametrize("made", ["node_modules", "__pycache__", "venv"])
def test_folders_that_tools_make_are_left_out(tmp_path: Path, made: str) -> None:
    write(tmp_path, {f"{made}/a.md": "a", f"web/{made}/b.js": "b", "web/c.md": "c"})
    found = find_files(tmp_path)
    assert list(found.files) == ["web/c.md"]
    assert (found.folders, found.ignored) == (("web",), {})


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path, {"a/b.md": "b"})
    (tmp_path / "a" / "round").symlink_to(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "a")
    found = find_files(tmp_path)
    assert list(found.files) == ["a/b.md"]
    assert found.folders == ("a",)


def test_a_folder_that_cannot_be_listed_is_skipped_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {"a.md": "a", "locked/b.md": "b"})
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = find_files(tmp_path)
    assert list(found.files) == ["a.md"]
    assert found.skipped == (Skipped("locked", "permission denied"),)


def test_a_name_that_is_not_utf8_is_spelled_so_that_json_can_carry_it(tmp_path: Path) -> None:
    for name in (b"/caf\xe9.md", b"/menu.caf\xe9"):
        Path(os.fsdecode(os.fsencode(tmp_path) + name)).write_text("x")
    found = find_files(tmp_path)
    assert list(found.files) == ["caf\ufffd.md"]
    assert found.ignored == {".caf\ufffd": 1}
