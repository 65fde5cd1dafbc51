"""The settings of the server itself: where it listens, whom it serves, and how much of it.

They are a part of `Settings`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from proxy.settings.identity import IdentitySettings
from proxy.settings.profiles import NonBlank, Seconds
from proxy.settings.values import Amount, NetworkText, Origin, Secret


class ServingSettings(BaseModel):
    host: NonBlank = Field("127.0.0.1", description="The address that the proxy listens on.")
    port: int = Field(8000, ge=0, le=65535, description="The port that the proxy listens on.")
    workers: int = Field(1, ge=1, description="How many processes serve requests.")
    api_keys: tuple[Secret, ...] = Field((), description="The keys that clients may use.")
    keys_file: NonBlank | None = Field(
        None, description="The file of client keys that each open what is their own."
    )
    identity: IdentitySettings | None = Field(
        None, description="How the proxy learns who asks, beside client keys."
    )
    allow_forwarded: bool = Field(
        default=False,
        description="Whether a proxy without client keys serves requests that a reverse proxy "
        "passes on.",
    )
    cors_origins: tuple[Origin, ...] | None = Field(
        None, description="The origins whose web pages may call the proxy from a browser."
    )
    page: bool | None = Field(None, description="Whether `/` is a page on which to ask.")
    max_body_bytes: int = Field(
        20_000_000, ge=1, description="The largest request body that the proxy accepts, in bytes."
    )
    max_inflight_bytes: int = Field(
        256_000_000,
        ge=1,
        description="The most bytes that requests of one process hold before it refuses new ones.",
    )
    max_head_bytes: int = Field(
        64_000,
        ge=1_000,
        description="The largest request line with headers that the proxy accepts, in bytes.",
    )
    max_headers: int = Field(100, ge=1, description="The most headers that a request may have.")
    max_waiting_connections: int | None = Field(
        None,
        ge=2,
        description="The most connections without a complete request that one process keeps open.",
    )
    trusted_proxies: tuple[NetworkText, ...] = Field(
        (), description="The reverse proxies whose `X-Forwarded-For` header the proxy believes."
    )
    requests_per_minute: Amount | None = Field(
        None, description="The most requests of all clients together in any 60 seconds."
    )
    tokens_per_minute: Amount | None = Field(
        None, description="The most tokens of all clients together in any 60 seconds."
    )
    max_concurrent_answers: Amount | None = Field(
        None, description="The most answers that are made at the same time, for all clients."
    )
    daily_tokens: Amount | None = Field(
        None, description="The most tokens of all clients together in a day of UTC."
    )
    monthly_tokens: Amount | None = Field(
        None, description="The most tokens of all clients together in a month of UTC."
    )
    limits_without_redis: Literal["open", "closed"] | None = Field(
        None, description="What becomes of requests with limits while Redis cannot be reached."
    )
    drain_delay_s: float = Field(
        0,
        ge=0,
        description="Seconds for which the proxy takes requests on after SIGTERM, while `/ready` "
        "says that it stops.",
    )
    grace_s: Seconds = Field(
        30, description="Seconds that running requests get when the proxy stops."
    )
