"""The search keys that client keys bring along, each in a variable of the environment.

A client key names its variable (`Grant.lighton_key_env`). Its value is read here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from proxy.access.clients import Client


@dataclass(frozen=True, slots=True)
class SearchKeys:
    """The values of variables, as search keys."""

    variables: Mapping[str, str | None] = field(repr=False, default_factory=dict)

    def named(self, variable: str) -> str | None:
        """The key in a variable; None if the variable is not set, or holds no key."""
        key = (self.variables.get(variable) or "").strip()
        is_key = key.isascii() and key.isprintable() and " " not in key
        return key if key and is_key else None

    def missing(self, clients: Iterable[Client]) -> Iterator[str]:
        """One line for each client that brings along a key that is not there."""
        for client in clients:
            variable = client.grant.lighton_key_env
            if variable and self.named(variable) is None:
                state = "holds no key" if self.variables.get(variable) else "is not set"
                yield (
                    f"keys.{client.name}.lighton_key_env: {variable} {state}, so every request of "
                    "this key is an error 503; set it, and start the proxy again"
                )


NO_SEARCH_KEYS: Final = SearchKeys()
