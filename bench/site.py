"""What a gateway is, where it starts, and whether its upstream speaks http or https."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bench import certificates
from bench.servers import Launch
from bench.sockets import HOST
from bench.subjects import Subject

CLIENT_KEY: Final = "sk-bench-0123456789abcdef0123456789abcdef0123456789abcdef"
"""The key that clients show to gateways that ask for one."""
OF_HTTPS: Final = "-https"
"""The end of a name whose gateway asks the upstream over TLS."""


@dataclass(frozen=True, slots=True)
class Site:
    """What a gateway learns: where its files go, where the upstream is, which models there are."""

    folder: Path
    upstream_port: int
    models: Sequence[str]
    authority: str = ""
    """The file with the authority of the upstream's certificate; "" if it has no TLS."""

    @property
    def upstream(self) -> str:
        return f"{'https' if self.authority else 'http'}://{HOST}:{self.upstream_port}"

    def trust(self, variable: str) -> dict[str, str]:
        """The environment that tells a gateway to trust the authority, if there is one."""
        return {variable: self.authority} if self.authority else {}

    def write(self, name: str, text: str) -> str:
        """Write a configuration file. Returns its path."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        path.write_text(text)
        return str(path)


@dataclass(frozen=True, slots=True)
class Gateway:
    """A server that can be measured."""

    name: str
    missing: Callable[[], str]
    """Why the gateway cannot start; "" if it can."""
    version: Callable[[], str]
    launch: Callable[[Site], Launch]
    is_secure: bool = False
    """Whether it asks the upstream over TLS."""


def over_https(gateway: Gateway) -> Gateway:
    """The same gateway, asking its upstream over TLS."""
    return replace(
        gateway,
        name=gateway.name + OF_HTTPS,
        missing=lambda: gateway.missing() or certificates.missing(),
        is_secure=True,
    )


def asking_https(subject: Subject) -> Subject:
    """The same column for the gateway of `over_https`."""
    return replace(subject, name=subject.name + OF_HTTPS, gateway=subject.gateway + OF_HTTPS)


def plain_name(name: str) -> str:
    """The name without the upstream's protocol."""
    return name.removesuffix(OF_HTTPS)
