"""What tells apart proxies that share something, each by a hash of what it serves.

Keys go into these, so only hashes of them may leave.
"""

from __future__ import annotations

import hashlib

from proxy.outward import secret_of
from proxy.settings import Settings


def realm_of(settings: Settings) -> str:
    """Which of the proxies with the same Redis this is, by whose documents it serves."""
    return hashlib.sha256(_documents(settings)).hexdigest()


def seal_of(settings: Settings) -> bytes:
    """What is kept in a Redis is sealed with it."""
    return hashlib.sha256(b"seal of what is kept\0" + _documents(settings)).digest()


def fence_secret_of(settings: Settings) -> bytes:
    """What the words of fences are made with."""
    return hashlib.sha256(b"words of fences\0" + _documents(settings)).digest()


def models_realm_of(settings: Settings) -> str:
    """Which of the proxies with the same Redis share the quotas of models."""
    whose = f"{settings.scaleway_base_url}\0{secret_of(settings.scaleway_api_key)}"
    return hashlib.sha256(whose.encode()).hexdigest()[:32]


def secret_of_names(of: str, settings: Settings) -> bytes:
    """What the names of client keys or people in records are made with."""
    names = f"names of {of}\0{secret_of(settings.scaleway_api_key)}\0".encode()
    return names + _documents(settings)


def _documents(settings: Settings) -> bytes:
    return f"{settings.lighton_base_url}\0{secret_of(settings.lighton_api_key)}".encode()
