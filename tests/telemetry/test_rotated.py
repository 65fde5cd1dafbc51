from __future__ import annotations

from pathlib import Path

from proxy.telemetry.rotated import with_rotated


def found(path: Path, *, compressed: bool = False) -> list[str]:
    return [each.name.removeprefix(path.name) for each in with_rotated(path, compressed=compressed)]


def test_what_logrotate_makes_of_a_file_is_found_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "usage[1].jsonl"
    names = [".1", ".2", "-20261126", "-20261126-1764115200", "", ".1.gz", ".bak", "-", "2", ".gz"]
    for name in names:
        Path(f"{path}{name}").touch()
    plain = ["-20261126", "-20261126-1764115200", ".1", ".2", ""]
    assert found(path) == plain
    assert sorted(found(path, compressed=True)) == sorted([*plain, ".1.gz"])
