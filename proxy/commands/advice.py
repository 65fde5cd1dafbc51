"""What an operator can do about an upstream that is out of reach, by the cause."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from proxy.errors import UpstreamError
from proxy.upstreams.http.proxies import OutboundProxy


@dataclass(frozen=True, slots=True)
class Place:
    """An upstream's address, the setting that holds it, and the proxy on the way."""

    url: str
    setting: str
    proxy: OutboundProxy | None = None

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def shown(self) -> str:
        """The address, and the proxy on the way if there is one."""
        by = "" if self.proxy is None else f" through {self.proxy.variable} {self.proxy.url}"
        return self.url + by


_CAUSES: Final = {
    "dns": "The name {host} does not resolve: check {setting}, and this machine's DNS.",
    "refused": "Nothing listens at {way}: check {setting}, its port, and firewalls.",
    "connect_timeout": "{way} does not accept a connection within connect_timeout_s: check "
    "{setting}, firewalls, and whether this network needs a proxy (HTTPS_PROXY).",
    "no_route": "There is no route to {way}: check this machine's network, and {setting}.",
    "reset": "{way} resets connections: check firewalls, and whether {setting} and its port "
    "are right.",
    "closed": "{way} closes connections without a reply: check whether {setting} and its port are "
    "right, including http:// or https://.",
    "read_timeout": "{host} takes the request but does not answer in time: try again later.",
    "tls_unknown_ca": "The certificate of {host} is from an authority unknown to this machine. If "
    "it is your own, or that of a proxy that inspects traffic, name its file: RAG_PROXY_CA_FILE.",
    "tls_host_name": "The certificate there is for a name other than {host}: check {setting}, or "
    "which server answers.",
    "tls_expired": "The certificate of {host} has expired: its operator must renew it. Check "
    "this machine's clock as well.",
    "tls_not_yet_valid": "The certificate of {host} is not valid yet: check this machine's clock.",
    "tls_certificate": "TLS does not accept the certificate of {host}: its operator must replace "
    "it.",
    "tls": "TLS with {host} fails: check whether {setting} should begin with "
    "http://, and whether it wants a certificate (RAG_PROXY_CLIENT_CERTIFICATE).",
    "no_descriptors": "This process has no file descriptor left: raise its limit (ulimit -n).",
    "not_http": "The server at {way} does not speak HTTP: check {setting}.",
}
_REFUSED_BY_PROXY: Final = (
    "The proxy {proxy} does not connect to {host}: check what it allows and reaches, {variable}, "
    "and NO_PROXY."
)
_CREDENTIALS: Final = (
    "The proxy {proxy} wants credentials: check the user and password in {variable}, as in "
    "http://user:password@host:port, and NO_PROXY."
)
_UNKNOWN_PROXY: Final = (
    "A proxy on the way to {way} wants credentials: check {setting}, and whether this network "
    "needs a proxy (HTTP_PROXY, HTTPS_PROXY)."
)
_OF_PROXY: Final = "proxy_"
"""How the words of an outbound proxy's causes begin."""
_LATE_PROXY: Final = (
    "It does not accept a connection within connect_timeout_s: check {setting}, and firewalls."
)
_LATE_BY_PROXY: Final = (
    "The proxy {proxy} opened no connection to {host} within connect_timeout_s: check "
    "{variable}, and whether the proxy reaches {host}."
)
_OTHERWISE: Final = "Check {setting} and this machine's way to {way}."


def explain(error: UpstreamError, place: Place) -> str:
    """Why an upstream could not be reached, and what to do, in one line."""
    said = f"{error.said}. " if error.said else ""
    return f"{said}{_advice(error.cause, place)}"


def _advice(cause: str, place: Place) -> str:
    proxy = place.proxy
    if proxy is None:
        return _filled(_UNKNOWN_PROXY if cause == "proxy_credentials" else _of(cause), place)
    if cause == "proxy_credentials":
        return _filled(_CREDENTIALS, place)
    if cause == "proxy":
        return _filled(_REFUSED_BY_PROXY, place)
    if cause == "connect_timeout":  # the proxy's or the upstream's silence: this end cannot tell
        return _filled(_LATE_BY_PROXY, place)
    if not cause.startswith(_OF_PROXY):
        return _filled(_of(cause), place)
    of_proxy = cause.removeprefix(_OF_PROXY)
    template = _LATE_PROXY if of_proxy == "connect_timeout" else _of(of_proxy)
    advice = _filled(template, Place(proxy.url, proxy.variable))
    return f"The proxy {proxy.url} cannot be used. {advice}"


def _of(cause: str) -> str:
    return _CAUSES.get(cause, _OTHERWISE)


def _filled(template: str, place: Place) -> str:
    return template.format(
        host=place.host,
        setting=place.setting,
        way=place.url,
        proxy="" if place.proxy is None else place.proxy.url,
        variable="" if place.proxy is None else place.proxy.variable,
    )
