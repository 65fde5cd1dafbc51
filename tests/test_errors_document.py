"""docs/errors.md against the errors of the proxy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from proxy.errors import ProxyError

PAGE = Path(__file__).parents[1] / "docs" / "errors.md"


def kinds(base: type[ProxyError] = ProxyError) -> Iterator[type[ProxyError]]:
    for kind in base.__subclasses__():
        yield kind
        yield from kinds(kind)


def test_the_page_has_a_line_for_each_code_with_its_status() -> None:
    ours = {
        (kind.status, kind.code)
        for kind in kinds()
        if kind.__module__ == "proxy.errors" and kind.code is not None
    }
    told = {
        (int(status), code)
        for status, code in re.findall(r"^\| (\d{3}) \| `(\w+)` \|", PAGE.read_text(), re.MULTILINE)
    }
    assert told == ours
