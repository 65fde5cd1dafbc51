"""The lines that docs/clients.md gives for a client: its program runs these and no others."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

DOCS: Final = Path(__file__).parents[2] / "docs" / "clients.md"
PROXY: Final = "http://127.0.0.1:8000"
FRONT: Final = "http://127.0.0.1:4000"
"""The addresses in the docs, of the proxy and of what stands in front of it."""

_FILES: Final = {
    "python": "snippet.py",
    "js": "snippet.mjs",
    "toml": "snippet.toml",
    "yaml": "snippet.yaml",
    "sh": "snippet.env",
}
_BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_DECLARED: Final = re.compile(r"^const (\w+) =", re.MULTILINE)


def files(title: str, docs: str) -> dict[str, str]:
    """The code in a client's section, by file name. KeyError if it has no section, or no code."""
    sections = dict(_sections(docs))
    found: dict[str, str] = {}
    for kind, code in _BLOCK.findall(sections[title]):
        if name := _FILES.get(kind):
            found[name] = "\n".join(filter(None, (found.get(name), code)))
    if not found:
        raise KeyError(title)
    if code := found.get("snippet.mjs"):
        found["snippet.mjs"] = f"{code}\nexport {{ {', '.join(_DECLARED.findall(code))} }};\n"
    return found


def _sections(docs: str) -> list[tuple[str, str]]:
    parts = re.split(r"^#{2,3} (.+)$", docs, flags=re.MULTILINE)
    return list(zip(parts[1::2], parts[2::2], strict=True))
