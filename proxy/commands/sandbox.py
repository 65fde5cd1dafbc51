"""`rag-proxy sandbox`: stand-ins for LightOn and Scaleway, both on one port."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path

import click

from proxy.access.loopback import is_loopback_host
from proxy.commands.documents import load_documents, question
from proxy.commands.listening import address, listen, own_address
from proxy.commands.serving import serve_here, server_config
from proxy.sandbox.app import create_sandbox

GRACE_S = 1
PACE_S = 0.02
"""The pause between words in the demo, so that people can see the stream."""


def run(docs: Path | None, host: str, port: int, *, attached: bool = False) -> None:
    """Serve the stand-ins until a signal stops them.

    An attached sandbox belongs to the process that started it. It prints its address as one line of
    JSON on stdout, and ends when its standard input does.
    """
    if attached:
        threading.Thread(target=_end_with, args=(sys.stdin.fileno(),), daemon=True).start()
    listener = listen(host, port)
    corpus = load_documents(docs)
    if not is_loopback_host(host):
        click.echo(f"{address(listener)}: anyone who reaches it can read the documents", err=True)
    url = own_address(listener)
    welcome = json.dumps({"url": url, "question": question(corpus)}) if attached else hint(url)
    app = create_sandbox(corpus, chunk_delay_s=PACE_S if attached else 0)
    serve_here(server_config(app, "warning", grace_s=GRACE_S), listener, welcome)


def hint(url: str) -> str:
    return f"""\
Stand-ins for LightOn and Scaleway on {url}; any key will do, except one
that begins with bad, which is answered as a wrong key is.
To use them, start a proxy with:

LIGHTON_BASE_URL={url} LIGHTON_API_KEY=sandbox-key \\
SCALEWAY_BASE_URL={url}/v1 SCALEWAY_API_KEY=sandbox-key \\
rag-proxy serve
"""


def _end_with(stream: int) -> None:
    """End this process when a stream does, even while it indexes documents."""
    while os.read(stream, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
