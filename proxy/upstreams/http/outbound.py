"""How requests leave this machine: a transport for each upstream, chosen once, at start."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol, Self

import httpx

from proxy.upstreams.http.certificates import CertificateFiles, client_context
from proxy.upstreams.http.circuits import Circuits
from proxy.upstreams.http.endpoint import Transport, pooled_transport
from proxy.upstreams.http.guarded import GuardedTransport
from proxy.upstreams.http.over_httpx import OverHttpx
from proxy.upstreams.http.proxied import ProxiedTransport
from proxy.upstreams.http.proxies import OutboundProxy, proxy_for


class OutboundSettings(CertificateFiles, Protocol):
    """What the settings say about the way out."""

    @property
    def lighton_base_url(self) -> str: ...
    @property
    def scaleway_base_url(self) -> str: ...
    @property
    def connection_max_age_s(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Outbound:
    """The transports to both upstreams. They may be the same one."""

    search: Transport
    model: Transport
    search_proxy: OutboundProxy | None = None
    model_proxy: OutboundProxy | None = None

    @classmethod
    def over(cls, transport: Transport | httpx.AsyncBaseTransport) -> Self:
        """Both over `transport`, which may be one of httpx's."""
        if isinstance(transport, httpx.AsyncBaseTransport):
            transport = OverHttpx(transport)
        return cls(transport, transport)

    @classmethod
    def of(cls, settings: OutboundSettings, environment: Mapping[str, str]) -> Self:
        """As the settings and the environment's variables say. Raises SettingsError.

        `environment` names the outbound proxies and the system's store of certificates.
        """
        contexts = functools.partial(client_context, settings, environment)
        direct = pooled_transport(settings.connection_max_age_s, contexts())

        def transport(proxy: OutboundProxy | None) -> Transport:
            if proxy is None:
                return direct
            proxied = ProxiedTransport(proxy, contexts, settings.connection_max_age_s)
            return OverHttpx(proxied)

        search = proxy_for(settings.lighton_base_url, environment)
        model = proxy_for(settings.scaleway_base_url, environment)
        return cls(transport(search), transport(model), search, model)

    def guarded(self, circuits: Circuits) -> Outbound:
        """The same ways, with a breaker for each host. What passes either closes them."""
        search = GuardedTransport(self.search, circuits)
        model = search if self.model is self.search else GuardedTransport(self.model, circuits)
        return replace(self, search=search, model=model)

    async def aclose(self) -> None:
        await self.search.aclose()
        if self.model is not self.search:
            await self.model.aclose()
