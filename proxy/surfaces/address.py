"""The parameters of an address, by one rule for every route that takes any."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import parse_qsl

from proxy.errors import BadRequest

_INDEX: Final = re.compile(r"\[\d{0,4}\]$")
"""`include[]=…` and `include[0]=…` are how SDKs write a list."""


def parameters_of(
    query: bytes, known: Collection[str] = (), lists: Collection[str] = ()
) -> dict[str, str]:
    """The known parameters by name. Of `lists` none is told: they are only let pass.

    Raises BadRequest for all others, and for one that is sent more than once: nobody knows which
    of its values is meant.
    """
    given: dict[str, str] = {}
    sent = parse_qsl(query.decode("latin-1"), keep_blank_values=True) if query else ()
    for name, value in sent:
        if _INDEX.sub("", name) in lists:
            continue
        if name not in known:
            raise BadRequest(f"The address takes {_takes({*known, *lists})}.", param=name)
        if name in given:
            raise BadRequest(f"'{name}' was sent more than once.", param=name)
        given[name] = value
    return given


def _takes(names: Collection[str]) -> str:
    if not names:
        return "no parameters"
    return f"no parameters but {', '.join(sorted(names))}"
