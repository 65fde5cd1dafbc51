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
    "proxy": "The proxy {proxy} refuses to lead to {host}: check user and password in {variable}, "
    "what it allows, and NO_PROXY.",
    "not_http": "What answers at {way} is no HTTP server: check {setting}.",
}
_LATE_BY_PROXY: Final = (
    "There was no connection to {host} by the proxy {proxy} within connect_timeout_s: check "
    "{variable}, and whether the proxy reaches {host}."
)
_OR_PROXY: Final = "Or it is the TLS of the proxy {proxy} itself: check {variable}, too."
_OF_CONNECTIONS: Final = frozenset({"dns", "refused", "no_route"})
"""What a connection fails by before anybody answers."""
_OTHERWISE: Final = "Check {setting} and this machine's way to {way}."


def explain(error: UpstreamError, place: Place) -> str:
    """Why an upstream could not be reached, and what to do; one line."""
    near = _nearest(error.cause, place)
    advice = _template(error.cause, place).format(
        host=near.host,
        setting=near.setting,
        way=near.url,
        proxy="" if place.proxy is None else place.proxy.url,
        variable="" if place.proxy is None else place.proxy.variable,
    )
    said = f"{error.said}. " if error.said else ""
    return f"{said}{advice}"


def _template(cause: str, place: Place) -> str:
    """The advice, which is another one where a proxy is on the way."""
    if place.proxy is None:
        return _CAUSES.get(cause, _OTHERWISE)
    if cause == "connect_timeout":  # of the proxy or behind it, which nobody here can tell
        return _LATE_BY_PROXY
    advice = _CAUSES.get(cause, _OTHERWISE)
    has_two = cause.startswith("tls") and place.proxy.url.startswith("https:")
    return f"{advice} {_OR_PROXY}" if has_two else advice


def _nearest(cause: str, place: Place) -> Place:
    """What a fault is about. Names and connections are the proxy's affair if there is one."""
    if place.proxy is None or cause not in _OF_CONNECTIONS:
        return place
    return Place(place.proxy.url, place.proxy.variable)
