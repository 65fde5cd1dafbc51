"""Everything the benchmark measures: the proxy and its peers, and the columns of the table."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Final

from bench import apis, metrics
from bench.peers import AGENTIC_API, LITELLM, NGINX, PORTKEY, TENSORZERO, peers
from bench.servers import Launch
from bench.site import CLIENT_KEY, Gateway, Site, asking_https, over_https
from bench.sockets import free_port
from bench.subjects import Subject

HOME: Final = Path(__file__).parent
PROXY: Final = "rag-proxy"

_BEARER: Final = {"authorization": f"Bearer {CLIENT_KEY}"}
_PORTKEY_HEADERS: Final = {
    "x-portkey-provider": "openai",
    "x-portkey-custom-host": "{upstream}/v1",
    "authorization": "Bearer bench",
}

DIRECT: Final = Subject(metrics.DIRECT, "")
LOOP: Final = Subject("rag-proxy", PROXY, headers=_BEARER, searches=True)
ONE_HOP: Final = Subject("rag-proxy-off", PROXY, headers=_BEARER | {"x-lighton-retrieval": "off"})
RESPONSES: Final = replace(
    LOOP, name="rag-proxy-responses", api=apis.RESPONSES, path=apis.RESPONSES.path
)
HYBRID: Final = Subject(
    "rag-proxy-hybrid", PROXY, headers=_BEARER | {"x-lighton-retrieval": "hybrid"}, searches=True
)


def subjects() -> tuple[Subject, ...]:
    """All columns in order: first those with http upstreams, then those with https."""
    asked = (
        Subject("nginx", NGINX),
        Subject(
            "TensorZero",
            TENSORZERO,
            path="/openai/v1/chat/completions",
            model_prefix="tensorzero::model_name::",
        ),
        Subject("agentic-api", AGENTIC_API),
        Subject("Portkey", PORTKEY, headers=_PORTKEY_HEADERS),
        Subject("LiteLLM", LITELLM, headers=_BEARER),
        LOOP,
        RESPONSES,
        ONE_HOP,
    )
    return (DIRECT, *asked, *map(asking_https, asked))


def gateways() -> dict[str, Gateway]:
    """All gateways by name."""
    found = (proxy(HOME.parent), *peers())
    return {gateway.name: gateway for gateway in (*found, *map(over_https, found))}


def proxy(tree: Path, *, workers: int = 1, name: str = PROXY) -> Gateway:
    """The proxy of a working tree, as a user runs it: with client keys, logs and citations."""

    def launch(site: Site) -> Launch:
        port = free_port()
        options = ("--port", str(port), "--workers", str(workers))
        return Launch(
            (sys.executable, "-m", "proxy", "serve", *options),
            port,
            {
                "PYTHONPATH": str(tree),
                "RAG_PROXY_API_KEYS": CLIENT_KEY,
                "LIGHTON_API_KEY": "bench",
                "LIGHTON_BASE_URL": site.upstream,
                "SCALEWAY_API_KEY": "bench",
                "SCALEWAY_BASE_URL": f"{site.upstream}/v1",
                # No peer lets requests wait for each other, and 1,000 streams are held open.
                "RAG_PROXY_MAX_CONCURRENT_MODEL_REQUESTS": "0",
                **site.trust("RAG_PROXY_CA_FILE"),
            },
        )

    return Gateway(name, _nothing_missing, lambda: version("rag-proxy"), launch)


def _nothing_missing() -> str:
    return ""
