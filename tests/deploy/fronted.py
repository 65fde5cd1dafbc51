"""The proxy as `rag-proxy serve` runs it, behind a reverse proxy with a file of `deploy/`."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import trustme

from bench.sockets import free_port
from proxy.sandbox.app import create_sandbox
from proxy.sandbox.documents.corpus import load_corpus
from proxy.sandbox.faults import Faults
from tests.support.program import PATIENCE_S, Program
from tests.support.server import serving_in_thread

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
NAME: Final = "rag.example.com"
KEY: Final = "k" * 48
CLIENT: Final = "127.0.0.2"
"""The client's address. It is not the reverse proxy's, which is 127.0.0.1."""

_DOCUMENTS: Final = Path(__file__).parents[1] / "e2e" / "documents"
_LOOK_AGAIN_S: Final = 0.02
_SOON_S: Final = 20
"""Less than any time limit of the proxy, which would end an answer as well."""

Front = Callable[[int, int, "Certificate"], list[str]]
"""Writes a configuration for the port of the proxy, a port of its own and a certificate.

It gives the command that starts the reverse proxy with it.
"""


@dataclass(frozen=True)
class Certificate:
    """Files of a certificate for NAME, and whom clients trust."""

    chain: Path
    key: Path
    authority: trustme.CA


@dataclass(frozen=True)
class Fronted:
    """What runs: where clients connect, the upstreams' faults, and the proxy's log."""

    port: int
    trust: ssl.SSLContext
    faults: Faults
    proxy: Program

    async def ask(self, body: dict[str, Any]) -> Asked:
        content = json.dumps({"messages": [{"role": "user", "content": "Days of leave?"}], **body})
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=self.trust, server_hostname=NAME, local_addr=(CLIENT, 0)
        )
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: {NAME}\r\nauthorization: Bearer {KEY}\r\n"
            f"x-forwarded-for: 203.0.113.9\r\ncontent-length: {len(content)}\r\n"
        )
        writer.write(f"{head}connection: close\r\n\r\n{content}".encode())
        return Asked(reader, writer)

    async def saw(self, outcome: str) -> bool:
        """Whether a request to the model comes to the given outcome."""
        return await asyncio.to_thread(
            self.faults.requests.wait_for,
            lambda seen: ("scaleway", outcome) in [(each.upstream, each.outcome) for each in seen],
            timeout_s=_SOON_S,
        )


@dataclass(frozen=True)
class Asked:
    """A request that has been sent, on a connection of its own."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def until(self, text: bytes) -> bytes:
        return await asyncio.wait_for(self.reader.readuntil(text), PATIENCE_S)

    async def rest(self) -> bytes:
        return await asyncio.wait_for(self.reader.read(), PATIENCE_S)

    def hang_up(self) -> None:
        self.writer.transport.abort()


@contextmanager
def fronted(front: Front, folder: Path) -> Iterator[Fronted]:
    """Run the upstreams, the proxy, and the reverse proxy before it."""
    certificate = _certificate(folder)
    trust = ssl.create_default_context()
    certificate.authority.configure_trust(trust)
    faults = Faults()
    sandbox = create_sandbox(load_corpus(_DOCUMENTS), faults=faults)
    port = free_port()
    with (
        serving_in_thread(sandbox) as upstream,
        Program("serve", "--port", "0", cwd=folder, env=_environment(upstream)) as proxy,
    ):
        backend = int(proxy.out.until(r"http://[\d.]+:(\d+)")[1])
        with _started(front(backend, port, certificate), folder, port):
            yield Fronted(port, trust, faults, proxy)


def program(name: str, package: str) -> str:
    """Where a program is. Skips the test where it is not."""
    found = shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if found is None:
        pytest.skip(f"needs {name} (apt-get install {package})")
    return found


def replaced(text: str, changes: dict[str, str]) -> str:
    """The text with each change made. Each must be there to be changed."""
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def _environment(upstream: str) -> dict[str, str]:
    return {
        "LIGHTON_BASE_URL": upstream,
        "LIGHTON_API_KEY": "k",
        "SCALEWAY_BASE_URL": f"{upstream}/v1",
        "SCALEWAY_API_KEY": "k",
        "RAG_PROXY_API_KEYS": KEY,
        "RAG_PROXY_TRUSTED_PROXIES": "127.0.0.1",
    }


def _certificate(folder: Path) -> Certificate:
    authority = trustme.CA()
    issued = authority.issue_cert(NAME)
    chain, key = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(b"".join(each.bytes() for each in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    return Certificate(chain, key, authority)


@contextmanager
def _started(command: list[str], folder: Path, port: int) -> Iterator[None]:
    """Run the reverse proxy, and wait until it listens: it does not say so."""
    with Program(command=command, cwd=folder, env={"HOME": str(folder)}) as front:
        give_up = time.monotonic() + PATIENCE_S
        while not _listens(port):
            assert time.monotonic() < give_up, f"pid {front.pid} does not listen"
            time.sleep(_LOOK_AGAIN_S)
        yield


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), PATIENCE_S).close()
    except OSError:
        return False
    return True
