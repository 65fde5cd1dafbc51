"""The proxy's peers: which are there, in which version, and how each starts."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

import orjson

from bench.servers import Launch
from bench.site import CLIENT_KEY, Gateway, Site
from bench.sockets import HOST, free_port

PEERS: Final = Path(__file__).parent / ".peers"
NOT_INSTALLED: Final = "not installed: make bench-peers"

NGINX: Final = "nginx"
TENSORZERO: Final = "TensorZero"
AGENTIC_API: Final = "agentic-api"
PORTKEY: Final = "Portkey"
LITELLM: Final = "LiteLLM"

_NUMBER: Final = re.compile(r"\d+(?:\.\d+)+")


def peers() -> tuple[Gateway, ...]:
    """All of them, with http upstreams."""
    return (
        Gateway(NGINX, _nginx_missing, _nginx_version, _nginx_launch),
        Gateway(TENSORZERO, _missing("tensorzero"), _wheel("tensorzero"), _tensorzero_launch),
        Gateway(AGENTIC_API, _missing("agentic-api"), _wheel("agentic-api"), _agentic_api_launch),
        Gateway(PORTKEY, _portkey_missing, _portkey_version, _portkey_launch),
        Gateway(LITELLM, _missing("litellm"), _wheel("litellm"), _litellm_launch),
    )


# nginx: the floor, a reverse proxy that understands nothing of what it passes on.

_NGINX_CONFIG: Final = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream scripted {{
        server {host}:{upstream_port};
        keepalive 2048;
        keepalive_requests 100000000;
    }}
    server {{
        listen {host}:{port} backlog=4096;
        keepalive_requests 100000000;
        location / {{
            proxy_pass {scheme}://scripted;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
            {tls}
        }}
    }}
}}
"""


_NGINX_TLS: Final = (
    "proxy_ssl_verify on; proxy_ssl_name {host}; proxy_ssl_trusted_certificate {authority};"
)


def _nginx() -> str | None:
    """Our own nginx, or else the machine's."""
    folders = (str(PEERS / "nginx" / "usr" / "sbin"), os.environ.get("PATH", ""), "/usr/sbin")
    return shutil.which("nginx", path=os.pathsep.join(folders))


def _nginx_missing() -> str:
    return "" if _nginx() else NOT_INSTALLED


def _nginx_version() -> str:
    return _number_in(_output(_nginx() or NGINX, "-v"))


def _nginx_launch(site: Site) -> Launch:
    port = free_port()
    config = _NGINX_CONFIG.format(
        folder=site.folder,
        host=HOST,
        port=port,
        upstream_port=site.upstream_port,
        scheme="https" if site.authority else "http",
        tls=_NGINX_TLS.format(host=HOST, authority=site.authority) if site.authority else "",
    )
    path = site.write("nginx.conf", config)
    return Launch((_nginx() or NGINX, "-p", str(site.folder), "-c", path, "-e", "stderr"), port)


# TensorZero: a gateway in Rust. The wheel holds it as a library, which a short program starts.

_TENSORZERO_PROGRAM: Final = """
import sys, time
from tensorzero.tensorzero import _start_http_gateway
gateway = _start_http_gateway(
    config_file=sys.argv[1],
    clickhouse_url=None,
    postgres_url=None,
    valkey_url=None,
    async_setup=False,
)
print(gateway.base_url, flush=True)
while True:
    time.sleep(3600)
"""
_TENSORZERO_MODEL: Final = """
[models."{model}"]
routing = ["upstream"]

[models."{model}".providers.upstream]
type = "openai"
model_name = "{model}"
api_base = "{upstream}/v1/"
api_key_location = "none"
"""


def _tensorzero_launch(site: Site) -> Launch:
    models = (
        _TENSORZERO_MODEL.format(model=model, upstream=site.upstream) for model in site.models
    )
    config = "[gateway]\nobservability.enabled = false\n" + "".join(models)
    path = site.write("tensorzero.toml", config)
    argv = (_python("tensorzero"), "-c", _TENSORZERO_PROGRAM, path)
    return Launch(argv, None, site.trust("SSL_CERT_FILE"))


# agentic-api: a gateway in Rust. Its own loop is for /v1/responses; it passes chat completions on.


def _agentic_api_launch(site: Site) -> Launch:
    port = free_port()
    options = {
        "--llm-api-base": site.upstream,
        "--gateway-host": HOST,
        "--gateway-port": str(port),
        "--db-url": f"sqlite://{site.folder}/agentic.db",
    }
    program = str(PEERS / "agentic-api" / "bin" / "agentic-server")
    words = [word for option in options.items() for word in option]
    argv = (program, "--skip-llm-ready-check", *words)
    return Launch(argv, port, site.trust("SSL_CERT_FILE"))


# Portkey: a gateway on Node. Each request says where it goes.

_PORTKEY: Final = PEERS / "portkey" / "node_modules" / "@portkey-ai" / "gateway"


def _portkey_missing() -> str:
    if shutil.which("node") is None:
        return "needs node"
    return "" if _PORTKEY.is_dir() else NOT_INSTALLED


def _portkey_version() -> str:
    return str(orjson.loads((_PORTKEY / "package.json").read_bytes())["version"])


def _portkey_launch(site: Site) -> Launch:
    port = free_port()
    program = str(_PORTKEY / "build" / "start-server.js")
    node = shutil.which("node") or "node"
    env = {"NODE_ENV": "production", **site.trust("NODE_EXTRA_CA_CERTS")}
    return Launch((node, program, f"--port={port}", "--headless"), port, env)


# LiteLLM: a gateway in Python.

_LITELLM_CONNECTIONS: Final = 4096
"""To the upstream; by default 500, which would leave half of 1,000 open streams waiting."""
_LITELLM_MODEL: Final = """\
  - model_name: {model}
    litellm_params:
      model: openai/{model}
      api_base: {upstream}/v1
      api_key: bench
"""


def _litellm_launch(site: Site) -> Launch:
    port = free_port()
    models = (_LITELLM_MODEL.format(model=model, upstream=site.upstream) for model in site.models)
    config = f"model_list:\n{''.join(models)}general_settings:\n  master_key: {CLIENT_KEY}\n"
    options = {
        "--config": site.write("litellm.yaml", config),
        "--host": HOST,
        "--port": str(port),
        "--num_workers": "1",
        "--telemetry": "False",
    }
    program = str(PEERS / "litellm" / "bin" / "litellm")
    words = [word for option in options.items() for word in option]
    many = str(_LITELLM_CONNECTIONS)
    env = {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "AIOHTTP_CONNECTOR_LIMIT": many,
        "AIOHTTP_CONNECTOR_LIMIT_PER_HOST": many,
        **site.trust("SSL_CERT_FILE"),
    }
    return Launch((program, *words), port, env)


def _python(environment: str) -> str:
    return str(PEERS / environment / "bin" / "python")


def _missing(name: str) -> Callable[[], str]:
    """Why a package is not in the environment of the same name; "" if it is."""

    def missing() -> str:
        return "" if _wheel(name)() else NOT_INSTALLED

    return missing


def _wheel(name: str) -> Callable[[], str]:
    """The version of a package in the environment of the same name; "" if it is not there."""
    file_name = name.replace("-", "_")

    def read() -> str:
        pattern = f"lib/python*/site-packages/{file_name}-*.dist-info"
        found = next((PEERS / name).glob(pattern), None)
        return "" if found is None else found.stem.removeprefix(f"{file_name}-")

    return read


def _output(*argv: str) -> str:
    done = subprocess.run(  # noqa: S603  # a peer's own program
        argv, capture_output=True, text=True, timeout=30, check=False
    )
    return done.stdout + done.stderr


def _number_in(text: str) -> str:
    found = _NUMBER.search(text)
    return found[0] if found else "unknown"
