"""What an operator gives the proxy to read, and the problems that it finds there."""

import os
from pathlib import Path
from typing import Any

import pytest

from proxy.errors import SettingsError
from proxy.settings import load_settings

SECRET = "scw-very-secret"


def set_variables(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    monkeypatch.setattr(os, "environ", {**os.environ, **variables})


def toml(text: str) -> Path:
    path = Path("rag-proxy.toml")
    path.write_text(text, encoding="utf-8")
    return path


def problems(config: Path | None = None, **overrides: Any) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load_settings(config, **overrides)
    return caught.value.problems
