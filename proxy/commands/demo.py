"""`rag-proxy demo`: the proxy on stand-ins, with what to try next."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent
from urllib.parse import quote

import click

from proxy.app import create_app
from proxy.commands.listening import address, listen
from proxy.commands.logs import configure_logging
from proxy.commands.serve import greeting
from proxy.commands.serving import door_limits, serve_here, server_config
from proxy.errors import SettingsError
from proxy.sandbox.served import SERVED
from proxy.settings import Settings
from proxy.settings.extras import require_traces
from proxy.settings.sources import environment_names

HOST = "127.0.0.1"
KEY = "demo"
MODEL = SERVED[0].id
GRACE_S = 1
END_S = 5
"""How long the stand-ins may take to end before the demo kills them."""


@dataclass(frozen=True, slots=True)
class StandIns:
    """Where the stand-ins listen, and a question that their documents answer."""

    url: str
    question: str


def run(docs: Path | None, port: int, *, allow_forwarded: bool) -> None:
    listener = listen(HOST, port, choose_port(os.environ))
    click.echo(_introduction(docs))
    if ignored := real_keys(os.environ):
        click.echo(f"Not used: {', '.join(ignored)}. The demo talks to its stand-ins only.")
    with stand_ins(docs) as upstreams:
        # The proxy's own manual is no secret, and remote development machines forward ports.
        settings = demo_settings(upstreams, allow_forwarded=allow_forwarded or docs is None)
        configure_logging(settings.log_level, settings.log_format)
        url = address(listener)
        welcome = f"\n{greeting(settings, url)}\n\n{hints(url, question(docs, upstreams))}"
        config = server_config(
            create_app(settings, environment=traced_by(settings, os.environ)),
            settings.log_level,
            limits=door_limits(settings),
            grace_s=GRACE_S,
        )
        serve_here(config, listener, welcome)


def traced_by(settings: Settings, environment: Mapping[str, str]) -> Mapping[str, str]:
    """OpenTelemetry's variables, if traces can be sent as they say. The demo runs without them."""
    told = {name: value for name, value in environment.items() if name.startswith("OTEL_")}
    try:
        require_traces(settings, told)
    except SettingsError as error:
        click.echo(f"Without traces. {error}")
        return {}
    return told


def demo_settings(upstreams: StandIns, *, allow_forwarded: bool = False) -> Settings:
    return Settings(
        lighton_base_url=upstreams.url,
        lighton_api_key=KEY,
        scaleway_base_url=f"{upstreams.url}/v1",
        scaleway_api_key=KEY,
        default_model=MODEL,
        allow_forwarded=allow_forwarded,
    )


def choose_port(environment: Mapping[str, str]) -> str:
    """How the person who started the demo would write the choice of another port."""
    return "--port (make demo PORT=…)" if "MAKELEVEL" in environment else "--port"


def real_keys(environment: Mapping[str, str]) -> list[str]:
    """The variables that hold real keys. The demo leaves them alone."""
    names = (*environment_names("lighton_api_key"), *environment_names("scaleway_api_key"))
    return [name for name in names if environment.get(name)]


@contextmanager
def stand_ins(docs: Path | None) -> Iterator[StandIns]:
    """Run the stand-ins in a process that ends with the block, and if this process dies.

    Only this process holds the other end of the child's standard input. However this process ends,
    the child reads the end of that pipe. If the child cannot start, it says why, and this raises
    click.exceptions.Exit.
    """
    command = [sys.executable, "-P", "-m", "proxy", "sandbox", "--attached", "--port", "0"]
    if docs is not None:
        command += ["--docs", str(docs)]
    with subprocess.Popen(  # noqa: S603 - our own program, no shell
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        try:
            first_line = next(iter(process.stdout or ()), None)
            if first_line is None:
                raise click.exceptions.Exit(process.wait())
            yield StandIns(**json.loads(first_line))
        finally:
            end(process, END_S)


def end(process: subprocess.Popen[str], patience_s: float) -> None:
    """Close the process's input, which asks it to end. If it does not in time, kill it."""
    try:
        process.communicate(timeout=patience_s)
    except subprocess.TimeoutExpired:
        process.kill()


def question(docs: Path | None, upstreams: StandIns) -> str:
    """Something that the documents answer."""
    return "Which retrieval modes are there?" if docs is None else upstreams.question


def python_with_openai() -> str:
    """This environment's Python, as a user can type it; "" if it lacks the package."""
    if sys.prefix == sys.base_prefix or find_spec("openai") is None:
        return ""
    python = Path(sys.executable)
    here = Path.cwd()
    return shlex.quote(str(python.relative_to(here) if python.is_relative_to(here) else python))


def hints(url: str, ask: str) -> str:
    """The page with a question, a curl line and a Python program, ready to open or copy."""
    body = {"messages": [{"role": "user", "content": ask}]}
    payload = shlex.quote(json.dumps(body, ensure_ascii=False))
    python = python_with_openai()
    openai = f"the openai package ({python} has it)" if python else "the openai package"
    return dedent("""\
        Ask on its page:

        {url}/#q={asked}

        or in another terminal, with curl (add "stream": true to see it stream):

        curl {url}/v1/chat/completions -H 'content-type: application/json' -d {payload}

        or in Python, with {openai}:

        from openai import OpenAI

        client = OpenAI(base_url="{url}/v1", api_key="{key}")
        stream = client.chat.completions.create(
            model="{model}",
            messages=[{{"role": "user", "content": {ask}}}],
            stream=True,
        )
        for chunk in stream:
            print(chunk.choices[0].delta.content or "", end="")

        print()

        Ctrl-C ends the demo.
        """).format(
        url=url,
        asked=quote(ask, safe=""),
        payload=payload,
        openai=openai,
        key=KEY,
        model=MODEL,
        ask=json.dumps(ask, ensure_ascii=False),
    )


def _introduction(docs: Path | None) -> str:
    knowledge = "the proxy's own manual" if docs is None else docs
    return (
        f"This demo answers from {knowledge}. It needs no keys: stand-ins play LightOn and "
        "Scaleway on this machine.\nThe stand-in for the model is no language model: it quotes "
        "the sentences that fit the question best."
    )
