"""The files that the proxy serves are those that the code would write now."""

from pathlib import Path

import pytest

from proxy.schemas.files import FOLDER, MADE, text_of, write_all


@pytest.mark.parametrize("name", MADE)
def test_the_file_is_fresh(name: str) -> None:
    written = (FOLDER / name).read_text(encoding="utf-8")
    assert written == text_of(MADE[name]()), f"{name} is stale: run `make schema`"


def test_all_files_are_written(tmp_path: Path) -> None:
    write_all(tmp_path)
    assert {each.name for each in tmp_path.iterdir()} == set(MADE)
    for name in MADE:
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes()
