"""The files that logrotate makes of one that grows."""

from __future__ import annotations

from pathlib import Path


def with_rotated(path: Path, *, compressed: bool = False) -> list[Path]:
    """What logrotate has made of the file, and the file last.

    For example `usage.jsonl.1` and `usage.jsonl-20261126`; with `compressed`, also those that end
    with `.gz`.
    """
    rotated = [
        each
        for each in path.parent.glob(f"{_literal(path.name)}[.-]*")
        if _is_number(each.name[len(path.name) + 1 :], compressed=compressed)
    ]
    return [*sorted(rotated), path]


def _is_number(ending: str, *, compressed: bool) -> bool:
    if compressed:
        ending = ending.removesuffix(".gz")
    return ending.replace("-", "").isdigit()


def _literal(name: str) -> str:
    return "".join(f"[{each}]" if each in "*?[" else each for each in name)
