"""The schemas as files beside this one. The proxy serves the files, and makes none of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from proxy.schemas.api import api_schema
from proxy.schemas.config import config_schema

FOLDER: Final = Path(__file__).parent
MADE: Final[Mapping[str, Callable[[], dict[str, Any]]]] = MappingProxyType(
    {"config.schema.json": config_schema, "openapi.json": api_schema}
)
"""Each file by its name, with what makes it."""


def text_of(schema: Mapping[str, Any]) -> str:
    """For people to read, and to compare line by line."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def write_all(folder: Path = FOLDER) -> None:
    for name, make in MADE.items():
        (folder / name).write_text(text_of(make()), encoding="utf-8")
