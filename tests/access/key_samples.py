"""Key files for tests."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

SECRET: Final = "rp-secret-of-acme"
OTHER: Final = "rp-secret-of-other"


def sha256(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def table(name: str = "acme", key: str = SECRET, more: str = "", *, id: str = "") -> str:
    """A table of the file: `more` are further lines."""
    return f'[keys.{name}]\nid = "{id or f"k_{name}"}"\nsha256 = "{sha256(key)}"\n{more}\n'


def write(path: Path, *tables: str) -> Path:
    path.write_text("\n".join(tables))
    return path
