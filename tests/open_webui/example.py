"""The example of Open WebUI on the page about access: what it has operators set."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Final

_PAGE: Final = (Path(__file__).parents[2] / "docs" / "access.md").read_text(encoding="utf-8")
_EXAMPLE: Final = _PAGE.partition("## Example: Open WebUI ")[2].partition("\n## ")[0]


def settings() -> tuple[str, str]:
    """The name and the text of the proxy's settings."""
    text = _only(r"```toml\n(.*?)```")
    return text.partition("\n")[0].removeprefix("# "), text


def key() -> list[str]:
    """The arguments of `rag-proxy` that make the key."""
    return shlex.split(_only(r"\$\(rag-proxy (keys add .*?)\)$").replace("\\\n", ""))


def secret_variable() -> str:
    """The variable of the proxy's environment with what Open WebUI signs with."""
    return _only(r"--signed-user-secret-env (\w+)")


def environment(url: str, secret: str, key: str) -> dict[str, str]:
    """Open WebUI's, for the proxy at an address."""
    lines = _only(r"```ini\n(.*?)```").splitlines()
    variables = dict(line.split("=", 1) for line in lines)
    own = {
        "OPENAI_API_BASE_URLS": f"{url}/v1",
        "FORWARD_USER_INFO_HEADER_JWT_SECRET": secret,
        "OPENAI_API_KEYS": key,
    }
    assert own.keys() <= variables.keys()
    return {**variables, **own}


def _only(pattern: str) -> str:
    (found,) = re.findall(pattern, _EXAMPLE, re.DOTALL | re.MULTILINE)
    return str(found)
