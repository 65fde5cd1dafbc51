"""What an operator can do about an upstream that cannot be reached, by the cause of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from proxy.errors import UpstreamError
from proxy.upstreams.http.proxies import OutboundProxy


@dataclass(frozen=True, slots=True)
class Place:
    """An upstream's address, the setting that says it, and the proxy on the way."""

    url: str
    setting: str
    proxy: OutboundProxy | None = None

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def shown(self) -> str:
        """The address, and the way there if it is not straight."""
        by = "" if self.proxy is None else f" by {self.proxy.variable} {self.proxy.url}"
        return self.url + by


_CAUSES: Final = {
    "dns": "The name {host} cannot be resolved: check {setting}, and this machine's DNS.",
    "refused": "Nothing listens at {way}: check {setting}, its port, and firewalls.",
    "connect_timeout": "{way} does not answer connections within connect_timeout_s: check "
    "{setting}, firewalls, and whether this network needs a proxy (HTTPS_PROXY).",
    "no_route": "There is no route to {way}: check this machine's network, and {setting}.",
    "reset": "{way} breaks connections off: check firewalls, and whether {setting} and its port "
    "are right.",
    "closed": "{way} closes connections without a word: check whether {setting} and its port are "
    "right, http:// or https:// among it.",
    "read_timeout": "{host} takes the request and does not answer in time: try again later.",
    "tls_unknown_ca": "The certificate of {host} is from an authority that is not known here. If "
    "it is your own, or that of a proxy that inspects traffic, name its file: RAG_PROXY_CA_FILE.",
    "tls_host_name": "The certificate there is for another name than {host}: check {setting}, or "
    "whose server answers.",
    "tls_expired": "The certificate of {host} has expired: whoever runs it must renew it. Check "
    "this machine's clock, too.",
    "tls_not_yet_valid": "The certificate of {host} is not valid yet: check this machine's clock.",
    "tls_certificate": "The certificate of {host} is not accepted: whoever runs it must replace "
    "it.",
    "tls": "No TLS connection could be made with {host}: check whether {setting} should begin with "
    "http://, and whether it wants a certificate (RAG_PROXY_CLIENT_CERTIFICATE).",
    "no_descriptors": "This process has no file descriptor left: raise its limit (ulimit -n).",
    "not_http": "What answers at {way} is no HTTP server: check {setting}.",
}
_REFUSED_BY_PROXY: Final = (
    "The proxy {proxy} does not lead to {host}: check what it allows and reaches, {variable}, and "
    "NO_PROXY."
)
_CREDENTIALS: Final = (
    "The proxy {proxy} wants credentials: check user and password in {variable}, as in "
    "http://user:password@host:port, and NO_PROXY."
)
_UNKNOWN_PROXY: Final = (
    "A proxy on the way to {way} wants credentials: check {setting}, and whether this network "
    "needs a proxy (HTTP_PROXY, HTTPS_PROXY)."
)
_OF_PROXY: Final = "proxy_"
"""What the words of causes begin with that are an outbound proxy's."""
_LATE_PROXY: Final = (
    "It does not answer connections within connect_timeout_s: check {setting}, and firewalls."
)
_LATE_BY_PROXY: Final = (
    "There was no connection to {host} by the proxy {proxy} within connect_timeout_s: check "
    "{variable}, and whether the proxy reaches {host}."
)
_OTHERWISE: Final = "Check {setting} and this machine's way to {way}."


def explain(error: UpstreamError, place: Place) -> str:
    """Why an upstream could not be reached, and what to do; one line."""
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
    if cause == "connect_timeout":  # of the proxy or behind it, which nobody here can tell
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
