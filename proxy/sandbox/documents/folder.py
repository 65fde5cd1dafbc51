"""Finds the documents in a folder."""

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from proxy.sandbox.documents.reading import KINDS

_MADE_BY_TOOLS = frozenset(
    {"__MACOSX", "__pycache__", "bower_components", "node_modules", "site-packages", "venv"}
)
"""Folders that tools make and fill."""
_TYPES_NAMED = 5


@dataclass(frozen=True, slots=True)
class Skipped:
    """An unreadable file or folder. `path` is relative to the root."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """`files` by path relative to the root, with `/` and in order; `folders` right below it.

    `ignored` counts visible files of other types, by suffix in lower case. It leaves out hidden
    files and folders, and those that tools make.
    """

    files: Mapping[str, Path]
    folders: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    ignored: Mapping[str, int]


def find_files(root: Path) -> Found:
    """Walk a folder. Do not follow links to other folders: they could go round for ever."""
    files: dict[str, Path] = {}
    skipped: list[Skipped] = []
    workspaces: list[str] = []
    ignored: Counter[str] = Counter()

    def unreadable(error: OSError) -> None:
        path = _relative(Path(error.filename), root)
        skipped.append(Skipped(path, (error.strerror or str(error)).lower()))

    for folder, subfolders, names in os.walk(root, onerror=unreadable):
        subfolders[:] = sorted(name for name in subfolders if _may_hold_documents(name))
        if Path(folder) == root:
            workspaces = [name for name in subfolders if not Path(folder, name).is_symlink()]
        for name in names:
            path = Path(folder, name)
            if name.startswith("."):
                continue
            suffix = path.suffix.lower()
            if suffix in KINDS:
                files[_relative(path, root)] = path
            else:
                ignored[_sendable(suffix)] += 1
    return Found(dict(sorted(files.items())), tuple(workspaces), tuple(skipped), ignored)


def describe_ignored(counts: Mapping[str, int]) -> str:
    """Say how many files of other types there are, and which types, the most frequent first."""
    ordered = sorted(counts, key=lambda suffix: (-counts[suffix], suffix))
    types = [suffix or "no suffix" for suffix in ordered]
    more = ["…"] if len(types) > _TYPES_NAMED else []
    named = ", ".join([*types[:_TYPES_NAMED], *more])
    return f"{sum(counts.values())} of other types ignored ({named})"


def _may_hold_documents(folder: str) -> bool:
    return not folder.startswith(".") and folder not in _MADE_BY_TOOLS


def _relative(path: Path, root: Path) -> str:
    return _sendable(path.relative_to(root).as_posix())


def _sendable(name: str) -> str:
    """Return a name as text that JSON can carry: � replaces bytes that are not UTF-8."""
    return os.fsencode(name).decode(errors="replace")
