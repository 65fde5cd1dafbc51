"""LightOn as each client uses it: results of its own, and perhaps a LightOn key of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from proxy.access.clients import Client
from proxy.errors import SearchKeyMissing
from proxy.upstreams.http.retries import Retries
from proxy.upstreams.lighton.search import LightOn

KeyNamed = Callable[[str], str | None]
"""The key that a variable of the environment holds; None if there is none."""


@dataclass(frozen=True, slots=True)
class ClientSearches:
    """The search upstream of every client. They share its connections, and nothing else."""

    common: LightOn
    """With the proxy's own key."""
    key_named: KeyNamed
    _own: dict[tuple[str, str], LightOn] = field(init=False, repr=False, default_factory=dict)
    """By the name of the variable and the key that it holds."""

    def of(self, client: Client, retries: Retries | None = None) -> LightOn:
        """The searches of one client, for one answer if they come with its `retries`.

        Raises SearchKeyMissing for a client whose own key is not set: no other key may serve.
        """
        variable = client.grant.lighton_key_env
        lighton = self._with_key_in(variable) if variable else self.common
        return replace(lighton, asker=client.identity, retries=retries or Retries())

    def _with_key_in(self, variable: str) -> LightOn:
        key = self.key_named(variable)
        if key is None:
            raise SearchKeyMissing(
                "The search key of this API key is not set. The operator of the proxy must set "
                f"{variable}."
            )
        known = self._own.get((variable, key))
        if known is None:
            known = self._own[variable, key] = self._with_key(key, variable)
        return known

    def _with_key(self, key: str, variable: str) -> LightOn:
        common = self.common
        way = common.endpoint
        endpoint = replace(way, key=key)
        credentials = f"{variable} and what the key may reach"
        return replace(
            common,
            endpoint=endpoint,
            vendor=replace(common.vendor, key=key, credentials=credentials),
        )
