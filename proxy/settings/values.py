"""The kinds of text that settings take, and the rule for each."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network
from typing import Annotated, Final, Literal
from urllib.parse import SplitResult, parse_qs, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from proxy.core.addresses import HostRule
from proxy.settings.hints import ADDRESS
from proxy.settings.profiles import NonBlank

_REDIS_OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "redis": (),
    "rediss": (
        "ssl_ca_certs",
        "ssl_cert_reqs",
        "ssl_certfile",
        "ssl_check_hostname",
        "ssl_keyfile",
    ),
    "unix": ("db", "password"),
}
"""The options that a Redis address may have after its '?', by scheme."""


def _secret(value: SecretStr) -> SecretStr:
    text = value.get_secret_value().strip()
    if not text:
        raise ValueError("must not be empty")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be one word of plain ASCII: check for a line break or a space in it")
    return SecretStr(text)


def _url(value: str) -> str:
    text = value.strip().rstrip("/")
    try:
        parts = urlsplit(text)
        is_address = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        (parts.hostname or "").encode("idna")
    except ValueError:  # an invalid port, a bracket that is never closed, or no name of a host
        is_address = False
    if not is_address or not text.isprintable():
        raise ValueError("must be an http:// or https:// address")
    if parts.username is not None or parts.query or parts.fragment or " " in text:
        raise ValueError("must be a plain address, without user name, spaces, '?' or '#'")
    return text


def _redis_url(value: SecretStr) -> SecretStr:
    """Refuse an address that redis-py would misread, or reject only when it connects."""
    try:
        parts = urlsplit(value.get_secret_value())
        is_address = _is_redis_address(parts)
    except ValueError:  # its text may repeat a part of the password
        is_address = False
    if not is_address:
        raise ValueError(
            "must be redis://host:6379/0, rediss://… for TLS, or unix:///path; write a password's "
            "special characters as %XX"
        )
    known = _REDIS_OPTIONS[parts.scheme]
    given = parse_qs(parts.query, keep_blank_values=True)
    if not given.keys() <= set(known) or not all(map(str.isdigit, given.get("db", ()))):
        raise ValueError(f"may have after '?' only {', '.join(known) or 'nothing'}")
    return value


def _is_redis_address(parts: SplitResult) -> bool:
    """Whether it leads to a socket, or to a host with or without a database's number."""
    if parts.fragment:
        return False
    if parts.scheme == "unix":
        is_path = parts.path.startswith("/") and len(parts.path) > 1
        return parts.hostname is None and is_path
    database = parts.path.removeprefix("/") or "0"
    has_host = bool(parts.hostname) and parts.port != 0
    return parts.scheme in _REDIS_OPTIONS and has_host and database.isdigit()


def _before(*endings: str) -> AfterValidator:
    """Refuse an address that ends with a path that the proxy itself adds."""

    def check(url: str) -> str:
        for ending in endings:
            if url.endswith(ending):
                raise ValueError(f"must be the address without {ending} at its end")
        return url

    return AfterValidator(check)


def _origin(value: str) -> str:
    text = value.rstrip("/")
    scheme, separator, host = text.partition("://")
    if text != "*" and (not scheme or not separator or not host or "/" in host):
        raise ValueError("must be an origin like https://chat.example.com, or *")
    return text


def _network(value: str) -> str:
    try:
        ip_network(value, strict=False)
    except ValueError:
        raise ValueError("must be an address like 10.0.0.1, or a network like 10.0.0.0/8") from None
    return value


def _citation_host(value: str) -> str:
    HostRule.of((value,))
    return value


def _project(value: str) -> str:
    if not value.replace("-", "").isalnum() or not value.isascii():
        raise ValueError("must be a project id like 00000000-0000-0000-0000-000000000000")
    return value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


Amount = Annotated[int, Field(ge=1, le=10**15)]
Secret = Annotated[SecretStr, AfterValidator(_secret)]
Url = Annotated[str, AfterValidator(_url), ADDRESS]
RedisUrl = Annotated[Secret, AfterValidator(_redis_url)]
LightOnUrl = Annotated[Url, _before("/api/v3", "/api/v3/search")]
ScalewayUrl = Annotated[Url, _before("/chat/completions")]
Origin = Annotated[NonBlank, AfterValidator(_origin)]
NetworkText = Annotated[NonBlank, AfterValidator(_network)]
CitationHost = Annotated[NonBlank, AfterValidator(_citation_host)]
ProjectId = Annotated[NonBlank, AfterValidator(_project)]
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)]
