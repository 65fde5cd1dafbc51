"""How requests leave this machine: a transport for each upstream, chosen once, at start."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from proxy.upstreams.http.certificates import CertificateFiles, client_context
from proxy.upstreams.http.circuits import Circuits
from proxy.upstreams.http.endpoint import Transport
from proxy.upstreams.http.guarded import GuardedTransport
from proxy.upstreams.http.pool import PooledTransport
from proxy.upstreams.http.proxies import OutboundProxy, proxy_for

if TYPE_CHECKING:
    import httpx


class OutboundSettings(CertificateFiles, Protocol):
    """What the settings say about the way out."""

    @property
    def lighton_base_url(self) -> str: ...
    @property
    def scaleway_base_url(self) -> str: ...
    @property
    def connection_max_age_s(self) -> float: ...
    @property
    def issuer_url(self) -> str | None:
        """Where the keys of an issuer of tokens are; None if there is none."""


def _addresses(settings: OutboundSettings) -> tuple[str, str, str | None]:
    return settings.lighton_base_url, settings.scaleway_base_url, settings.issuer_url


def _has_tls(settings: OutboundSettings) -> bool:
    """Whether a request may go over TLS, or a file for it is named, which may be wrong."""
    files = settings.ca_file, settings.client_certificate, settings.client_key
    return any(files) or any((url or "").startswith("https:") for url in _addresses(settings))


@dataclass(frozen=True, slots=True)
class WayOut:
    """All that the way out depends on, apart from variables. What is equal needs no other way."""

    ca_file: str | None
    client_certificate: str | None
    client_key: str | None
    lighton_base_url: str
    scaleway_base_url: str
    connection_max_age_s: float
    issuer_url: str | None
    certificates: tuple[bytes, ...] = field(default=(), repr=False)
    """What the files hold: a certificate that is renewed keeps its name."""

    @classmethod
    def of(cls, settings: OutboundSettings) -> Self:
        files = settings.ca_file, settings.client_certificate, settings.client_key
        held = tuple(map(_content, filter(None, files)))
        names = [each.name for each in fields(cls) if each.name != "certificates"]
        return cls(**{name: getattr(settings, name) for name in names}, certificates=held)


def _content(file: str) -> bytes:
    """Nothing if it is unreadable: whoever loads the certificate says so."""
    try:
        return Path(file).read_bytes()
    except OSError:
        return b""


@dataclass(frozen=True, slots=True)
class Outbound:
    """The transports to the upstreams. They may be the same one. The proxies are on their ways."""

    search: Transport
    model: Transport
    issuer: Transport
    """The way to the issuer of tokens, if there is one."""
    search_proxy: OutboundProxy | None = None
    model_proxy: OutboundProxy | None = None
    issuer_proxy: OutboundProxy | None = None

    @classmethod
    def over(cls, transport: Transport | httpx.AsyncBaseTransport) -> Self:
        """All over `transport`, which may be one of httpx's."""
        if not isinstance(transport, Transport):
            # httpx takes its time to load, and a direct way does without it.
            from proxy.upstreams.http.over_httpx import OverHttpx  # noqa: PLC0415

            transport = OverHttpx(transport)
        return cls(transport, transport, transport)

    @classmethod
    def of(cls, settings: OutboundSettings, environment: Mapping[str, str]) -> Self:
        """As the settings and the environment's variables say. Raises SettingsError.

        `environment` names the outbound proxies and the system's store of certificates.
        """
        contexts = functools.partial(client_context, settings, environment)
        # Where nothing is asked over TLS, the system's authorities would take memory and time.
        context = contexts() if _has_tls(settings) else None
        direct = PooledTransport(context, settings.connection_max_age_s)

        def transport(proxy: OutboundProxy | None) -> Transport:
            if proxy is None:
                return direct
            # As in `over`.
            from proxy.upstreams.http.proxied import ProxiedTransport  # noqa: PLC0415

            way = ProxiedTransport(proxy, contexts, settings.connection_max_age_s)
            return cls.over(way).search

        proxies = [proxy_for(url, environment) if url else None for url in _addresses(settings)]
        search, model, issuer = map(transport, proxies)
        return cls(search, model, issuer, *proxies)

    def guarded(self, circuits: Circuits) -> Outbound:
        """The same ways, with a breaker for each host. What passes either closes them."""
        search = GuardedTransport(self.search, circuits)
        model = search if self.model is self.search else GuardedTransport(self.model, circuits)
        return replace(self, search=search, model=model)

    async def aclose(self) -> None:
        for way in {id(way): way for way in (self.search, self.model, self.issuer)}.values():
            await way.aclose()
