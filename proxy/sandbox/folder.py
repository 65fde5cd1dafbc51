"""Finds the documents in a folder."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from proxy.sandbox.reading import KINDS


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file, or a whole folder, that cannot be read. `path` is relative to the root."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """`files` by path relative to the root, with `/` and in order; `folders` right below it.

    `ignored` counts visible files of types that are not indexed. Hidden files are not counted.
    """

    files: Mapping[str, Path]
    folders: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    ignored: int


def find_files(root: Path) -> Found:
    """Walk a folder; links to other folders are not followed, which could go round for ever."""
    files: dict[str, Path] = {}
    skipped: list[Skipped] = []
    workspaces: list[str] = []
    ignored = 0

    def unreadable(error: OSError) -> None:
        path = _relative(Path(error.filename), root)
        skipped.append(Skipped(path, (error.strerror or str(error)).lower()))

    for folder, subfolders, names in os.walk(root, onerror=unreadable):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        if Path(folder) == root:
            workspaces = [name for name in subfolders if not Path(folder, name).is_symlink()]
        for name in names:
            path = Path(folder, name)
            if name.startswith("."):
                continue
            if path.suffix.lower() in KINDS:
                files[_relative(path, root)] = path
            else:
                ignored += 1
    return Found(dict(sorted(files.items())), tuple(workspaces), tuple(skipped), ignored)


def _relative(path: Path, root: Path) -> str:
    """Return a path as text that JSON can carry: a name that is not UTF-8 is spelled with �."""
    relative = path.relative_to(root).as_posix()
    return os.fsencode(relative).decode(errors="replace")
