"""A real Prometheus that scrapes a proxy which has had good days and bad ones."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from bench.sockets import free_port
from proxy.sandbox.app import create_sandbox
from proxy.sandbox.documents.corpus import load_corpus
from proxy.sandbox.faults import Faults
from tests.deploy.fronted import DEPLOY, program, replaced
from tests.support.program import PATIENCE_S, Program
from tests.support.server import serving_in_thread

PACKAGE: Final = "prometheus"
_DOCUMENTS: Final = Path(__file__).parents[1] / "e2e" / "documents"


class Scraped:
    """A proxy with upstreams that fail now and then, and the Prometheus that scrapes it."""

    def __init__(self, proxy: str, faults: Faults, prometheus: str) -> None:
        self._proxy = proxy
        self._faults = faults
        self._prometheus = prometheus

    def ask(self, **more: Any) -> int:
        """Ask the proxy; gives the status."""
        body = {"messages": [{"role": "user", "content": "How many days of leave?"}], **more}
        url = f"{self._proxy}/v1/chat/completions"
        return httpx.post(url, json=body, timeout=PATIENCE_S).status_code

    def live(self) -> None:
        """One of everything that a dashboard shows."""
        self.ask()
        self.ask(stream=True)
        self._faults.add("scaleway", status=503, path="/chat/completions")
        self.ask()
        self.ask(model=7)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What Prometheus answers now. It is an error if it cannot read the expression."""
        reply = httpx.get(
            f"{self._prometheus}/api/v1/query", params={"query": expression}, timeout=PATIENCE_S
        )
        answer = reply.json()
        assert answer["status"] == "success", f"{expression}: {answer.get('error')}"
        return list(answer["data"]["result"])

    def rules(self) -> list[dict[str, Any]]:
        groups = httpx.get(f"{self._prometheus}/api/v1/rules", timeout=PATIENCE_S).json()["data"][
            "groups"
        ]
        return [rule for group in groups for rule in group["rules"]]

    def until_shown(self, expressions: list[str]) -> None:
        """Go on living until each expression has a value: rates need two scrapes."""
        give_up = time.monotonic() + PATIENCE_S
        while expressions:
            assert time.monotonic() < give_up, f"nothing is shown for {expressions}"
            self.live()
            expressions = [each for each in expressions if not numbers(self.query(each))]


def numbers(result: list[dict[str, Any]]) -> list[float]:
    """The values that are numbers: a part of nothing is none."""
    values = [float(each["value"][1]) for each in result]
    return [value for value in values if value == value]  # noqa: PLR0124 - NaN is not itself


@contextmanager
def scraped(folder: Path) -> Iterator[Scraped]:
    binary = program("prometheus", PACKAGE)
    faults, metrics_port, port = Faults(), free_port(), free_port()
    sandbox = create_sandbox(load_corpus(_DOCUMENTS), faults=faults)
    configuration = replaced(
        (DEPLOY / "prometheus.yml").read_text(),
        {"proxy:9464": f"127.0.0.1:{metrics_port}", "scrape_interval: 15s": "scrape_interval: 1s"},
    )
    (folder / "prometheus.yml").write_text(configuration)
    (folder / "alerts.yml").write_text((DEPLOY / "alerts.yml").read_text())
    command = [
        binary,
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with serving_in_thread(sandbox) as upstream:
        env = _environment(upstream, metrics_port)
        with Program("serve", "--port", "0", cwd=folder, env=env) as proxy:
            url = proxy.out.until(r"(http://[\d.]+:\d+)")[1]
            with Program(cwd=folder, command=command) as server:
                server.err.until("Server is ready to receive web requests")
                yield Scraped(url, faults, f"http://127.0.0.1:{port}")


def _environment(upstream: str, metrics_port: int) -> dict[str, str]:
    return {
        "LIGHTON_BASE_URL": upstream,
        "LIGHTON_API_KEY": "k",
        "SCALEWAY_BASE_URL": f"{upstream}/v1",
        "SCALEWAY_API_KEY": "k",
        "RAG_PROXY_RETRIEVAL": "context",
        "RAG_PROXY_METRICS_PORT": str(metrics_port),
    }


def expressions_of(dashboard: dict[str, Any]) -> list[str]:
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]


def names_in(text: str) -> set[str]:
    """The series of ours, without what a histogram adds."""
    found = re.findall(r"\brag_proxy_\w+", text)
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in found}


def read(dashboard: Path) -> dict[str, Any]:
    return dict(json.loads(dashboard.read_text()))
