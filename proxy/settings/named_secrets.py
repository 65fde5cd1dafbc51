"""Secrets that client keys name, each in a variable of the environment.

A client key may bring along its own search key (`Grant.lighton_key_env`), and the secret that its
front-end signs with (`PeopleHeaders.secret_env`). Their values are read here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from proxy.access.clients import Client
from proxy.settings.extras import has_identity, how_to_install

_SAFE_BYTES: Final = 32
"""RFC 7518, 3.2: a secret for HS256 has as many bytes as the hash, or more."""


@dataclass(frozen=True, slots=True)
class NamedSecrets:
    """The values of variables, as secrets."""

    variables: Mapping[str, str | None] = field(repr=False, default_factory=dict)

    def text(self, variable: str) -> str | None:
        """What a variable holds, without the space around it; None if that is nothing."""
        return (self.variables.get(variable) or "").strip() or None

    def named(self, variable: str) -> str | None:
        """The key in a variable; None if it holds nothing that a header can carry as a key."""
        key = self.text(variable) or ""
        is_key = key.isascii() and key.isprintable() and " " not in key
        return key if key and is_key else None

    def missing(self, clients: Iterable[Client]) -> Iterator[str]:
        """One line for each secret that a client needs and that is not there."""
        for client in clients:
            variable = client.grant.lighton_key_env
            if variable and self.named(variable) is None:
                state = "holds no key" if self.variables.get(variable) else "is not set"
                yield _without(client, "lighton_key_env", f"{variable} {state}", "set it")
            yield from self.missing_of_people(client)

    def missing_of_people(self, client: Client) -> Iterator[str]:
        """One line for each thing without which nobody can tell who asks through a key."""
        signed = client.people.secret_env if client.people else ""
        if signed and self.text(signed) is None:
            yield _without(client, "signed_user_secret_env", f"{signed} is not set", "set it")
        if signed and not has_identity():
            fault = "nothing can check signatures"
            yield _without(client, "signed_user_header", fault, how_to_install("identity"))

    def weak(self, clients: Iterable[Client]) -> Iterator[str]:
        """One line for each client whose signing secret can be guessed from one signed header."""
        for client in clients:
            variable = client.people.secret_env if client.people else ""
            secret = self.text(variable) if variable else None
            if secret is not None and len(secret.encode()) < _SAFE_BYTES:
                yield (
                    f"keys.{client.name}.signed_user_secret_env: {variable} has fewer than "
                    f"{_SAFE_BYTES} bytes, so it can be guessed from a header that it signed; make "
                    "one with: openssl rand -hex 32"
                )


def _without(client: Client, setting: str, fault: str, remedy: str) -> str:
    return (
        f"keys.{client.name}.{setting}: {fault}, so every request of this key is an error 503; "
        f"{remedy}, and start the proxy again"
    )


NO_SECRETS: Final = NamedSecrets()
