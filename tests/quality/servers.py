"""The programs behind one measurement, each with a log, all ended with it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
import httpx

from bench.sockets import free_port
from tests.quality.model import installed
from tests.quality.questions import DOCUMENTS, HERE
from tests.support.program import clean_environment

_PATIENCE_S: Final = 180.0
_TRY_S: Final = 0.2
_END_S: Final = 20.0
_NICE: Final = 10
# A slow model is no fault of the proxy: no limit of time shall decide an answer.
_PATIENT: Final = {
    "RAG_PROXY_ANSWER_TIMEOUT_S": "7200",
    "RAG_PROXY_BUDGET_S": "3600",
    "RAG_PROXY_ROUND_IDLE_S": "3600",
}


class NotStartedError(click.ClickException):
    """A program ended, or did not answer in time."""


@dataclass(frozen=True, slots=True)
class Model:
    """An OpenAI-compatible server: its address with the version in the path, and a key for it."""

    url: str
    key: str = "any"

    def first(self) -> str:
        """The id of the first model that the server lists."""
        headers = {"authorization": f"Bearer {self.key}"}
        reply = httpx.get(f"{self.url}/models", headers=headers, timeout=_PATIENCE_S)
        return str(reply.raise_for_status().json()["data"][0]["id"])


@contextmanager
def local_model(folder: Path, threads: int) -> Iterator[Model]:
    """The model of `model.py`, as long as the block."""
    python, file = installed(folder)
    port = free_port()
    command = [str(python), str(HERE / "serve_model.py"), str(file), str(port), str(threads)]
    log = folder / "model.log"
    with _running(command, log, f"http://127.0.0.1:{port}/health", clean_environment()):
        yield Model(f"http://127.0.0.1:{port}/v1")


@contextmanager
def proxy(
    command: Sequence[str], model: Model, folder: Path, settings: Mapping[str, str]
) -> Iterator[str]:
    """The address of a proxy that searches DOCUMENTS and asks `model`, as long as the block."""
    sandbox, port = free_port(), free_port()
    environment = clean_environment(
        {
            "LIGHTON_BASE_URL": f"http://127.0.0.1:{sandbox}",
            "LIGHTON_API_KEY": "any",
            "SCALEWAY_BASE_URL": model.url,
            "SCALEWAY_API_KEY": model.key,
            **_PATIENT,
            **settings,
        }
    )
    stand_in = [*command, "sandbox", "--docs", str(DOCUMENTS), "--port", str(sandbox)]
    serve = [*command, "serve", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        documents = f"http://127.0.0.1:{sandbox}/"
        stack.enter_context(_running(stand_in, folder / "sandbox.log", documents, environment))
        stack.enter_context(_running(serve, folder / "proxy.log", f"{url}/health", environment))
        yield url


def this_tree() -> list[str]:
    """The command of the proxy beside these tests, wherever it runs."""
    return ["env", f"PYTHONPATH={HERE.parents[1]}", sys.executable, "-m", "proxy"]


@contextmanager
def _running(
    command: Sequence[str], log: Path, answers_at: str, environment: Mapping[str, str]
) -> Iterator[None]:
    """A program, from its first answer on. Raises NotStartedError.

    It runs beside its log, where no `.env` and no configuration file of a developer is read.
    """
    with log.open("w") as output:
        process = subprocess.Popen(  # noqa: S603 - programs named above, or by who measures
            command, cwd=log.parent, stdout=output, stderr=subprocess.STDOUT, env=environment
        )
    try:
        os.setpriority(os.PRIO_PROCESS, process.pid, _NICE)
        _wait(process, log, answers_at)
        yield
    finally:
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(_END_S)


def _wait(process: subprocess.Popen[bytes], log: Path, answers_at: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    with httpx.Client(timeout=_PATIENCE_S, trust_env=False) as client:  # to make one costs 30 ms
        while time.monotonic() < deadline and process.poll() is None:
            with suppress(httpx.TransportError):
                if not client.get(answers_at).is_server_error:
                    return
            time.sleep(_TRY_S)
    raise NotStartedError(f"{answers_at} does not answer; see {log}")
