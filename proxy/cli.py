"""The command line: the commands and their options, and how it answers a mistake.

The work is in `proxy.commands`. The command line imports that only when a command runs, so that
`--help` is instant. Only what describes options is imported at once.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from proxy.commands.audit_group import audit
from proxy.commands.config_group import config
from proxy.commands.keys_group import keys
from proxy.commands.options import PORT, config_option, serve_options
from proxy.errors import SettingsError

PROGRAM = "rag-proxy"
_ALLOW_FORWARDED = "RAG_PROXY_ALLOW_FORWARDED"
INTERRUPTED = 130
"""The exit code of a program that Ctrl-C ended, as shells count it."""

F = TypeVar("F", bound=Callable[..., Any])


class _Day(click.DateTime):
    """A date, as ISO 8601 writes it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return super().convert(value, param, ctx).date().isoformat()


_DAY = _Day(["%Y-%m-%d"])
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)

docs_option = click.option(
    "--docs",
    type=_FOLDER,
    metavar="DIR",
    help="Search the Markdown, text and PDF files in this folder, sub-folders as workspaces "
    "(the proxy's own manual unless given).",
)


def _port_option(default: int) -> Callable[[F], F]:
    return click.option(
        "--port",
        type=PORT,
        metavar="PORT",
        default=default,
        help=f"Listen on this port ({default} unless given); 0 picks a free one.",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code. A mistake is one line on stderr, and a 2."""
    try:
        code = rag_proxy.main(args=argv, prog_name=PROGRAM, standalone_mode=False)
    except click.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        _complain(" ".join(error.format_message().split()))
        return error.exit_code
    except SettingsError as error:
        _complain(*error.problems)
        return 2
    return code or 0


@contextmanager
def _loading() -> Iterator[None]:
    """Look for no cyclic garbage meanwhile: what is loaded stays, and looking takes a seventh."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _complain(*problems: str) -> None:
    for problem in problems:
        click.echo(f"{PROGRAM}: {problem}", err=True)


@click.group(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Examples:
  rag-proxy demo                    try it, without any keys
  rag-proxy check                   test your keys and settings
  LIGHTON_API_KEY=… SCALEWAY_API_KEY=… rag-proxy serve

docs/configuration.md explains every setting.""",
)
@click.version_option(package_name=PROGRAM, prog_name=PROGRAM, message="%(prog)s %(version)s")
@click.pass_context
def rag_proxy(context: click.Context) -> None:
    """Serve an OpenAI-compatible API whose answers come from your LightOn documents.

    A Scaleway model writes the answers and cites the documents.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@rag_proxy.command(
    epilog="""\b
Examples:
  LIGHTON_API_KEY=… SCALEWAY_API_KEY=… rag-proxy serve
  rag-proxy serve --config rag-proxy.toml --port 9000
  export RAG_PROXY_API_KEYS=$(openssl rand -hex 24)
  rag-proxy serve --host 0.0.0.0 --workers 4"""
)
@serve_options
def serve(config: Path | None, **flags: Any) -> None:
    """Run the proxy."""
    with _loading():
        from proxy.commands.serve import run  # noqa: PLC0415 - keeps --help fast

    run(config, **flags)


@rag_proxy.command(
    short_help="Try the proxy without any keys.",
    epilog="""\b
Examples:
  rag-proxy demo
  rag-proxy demo --docs ~/Documents/handbook --port 8080""",
)
@docs_option
@_port_option(8000)
@click.option(
    "--allow-forwarded",
    is_flag=True,
    envvar=_ALLOW_FORWARDED,
    help=f"With DIR, also answer requests from a reverse proxy (or set {_ALLOW_FORWARDED}). With "
    "the proxy's own manual, the demo always does.",
)
def demo(docs: Path | None, port: int, *, allow_forwarded: bool) -> None:
    """Try the proxy without keys, on stand-ins for LightOn and Scaleway."""
    from proxy.commands.demo import run  # noqa: PLC0415 - keeps --help fast

    run(docs, port, allow_forwarded=allow_forwarded)


@rag_proxy.command(
    short_help="Run only the stand-ins for LightOn and Scaleway.",
    epilog="""\b
Examples:
  rag-proxy sandbox
  rag-proxy sandbox --docs ./handbook --port 9001""",
)
@docs_option
@click.option(
    "--host",
    metavar="ADDRESS",
    default="127.0.0.1",
    help="Listen on this address (127.0.0.1 unless given).",
)
@_port_option(8001)
@click.option("--attached", is_flag=True, hidden=True)
def sandbox(docs: Path | None, host: str, port: int, *, attached: bool) -> None:
    """Run only the stand-ins for LightOn and Scaleway, to develop against."""
    from proxy.commands.sandbox import run  # noqa: PLC0415 - keeps --help fast

    run(docs, host, port, attached=attached)


@rag_proxy.command(
    short_help="Test keys and settings, line by line.",
    epilog="""\b
Examples:
  rag-proxy check
  rag-proxy check --config rag-proxy.toml
  rag-proxy check --key acme
  rag-proxy check --key webui --as ann@example.com --group hr""",
)
@config_option
@click.option(
    "--key",
    metavar="NAME",
    help="Test one client key instead: what it may use, and one search in each of its workspaces.",
)
@click.option(
    "--as",
    "person",
    metavar="PERSON",
    help="Test what a person may use instead, and say which rules fit: through the key of --key "
    "or, without it, with a token.",
)
@click.option(
    "--group",
    "groups",
    metavar="GROUP",
    multiple=True,
    help="A group of this person. May be given several times.",
)
def check(config: Path | None, key: str | None, person: str | None, groups: tuple[str, ...]) -> int:
    """Test both upstreams with your keys. This makes one search and two short completions.

    Every line says ok, or FAIL and what to do. The exit code is 1 if anything failed.
    """
    from proxy.commands.check import run  # noqa: PLC0415 - keeps --help fast

    return run(config, key, person, groups)


@rag_proxy.command(
    short_help="List the workspaces of LightOn.",
    epilog="""\b
Examples:
  rag-proxy workspaces
  rag-proxy workspaces --key acme
  rag-proxy workspaces --json""",
)
@config_option
@click.option("--key", metavar="NAME", help="List those of one client key instead.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def workspaces(config: Path | None, key: str | None, *, as_json: bool) -> int:
    """List the workspaces that your LightOn key can see, and say which of them may be searched.

    Their ids are those of workspace_id. The exit code is 1 if there is no list.
    """
    from proxy.commands.workspaces import run  # noqa: PLC0415 - keeps --help fast

    return run(config, key, as_json=as_json)


@rag_proxy.command(
    short_help="Show what answers took and cost.",
    epilog="""\b
Examples:
  rag-proxy usage
  rag-proxy usage --by model --since 2026-11-01
  rag-proxy usage --csv --usage-file usage.jsonl.1 --usage-file usage.jsonl""",
)
@config_option
@click.option(
    "--by",
    type=click.Choice(["key", "person", "profile", "model", "day"]),
    default="key",
    help="Count answers by this (by key unless given).",
)
@click.option(
    "--since", type=_DAY, metavar="DATE", help="Count from the beginning of this day (UTC)."
)
@click.option("--until", type=_DAY, metavar="DATE", help="Count to the end of this day (UTC).")
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values.")
@click.option(
    "--usage-file",
    "files",
    type=click.Path(path_type=Path),
    metavar="FILE",
    multiple=True,
    help="Read this file, also a gzipped one (RAG_PROXY_USAGE_FILE, and what logrotate has made "
    "of it, unless given). May be given several times.",
)
def usage(config: Path | None, files: tuple[Path, ...], by: Any, **options: Any) -> int:
    """Show what the answers in the usage file took and cost, and the totals.

    The exit code is 1 if a file cannot be read.
    """
    from proxy.commands.usage import run  # noqa: PLC0415 - keeps --help fast

    return run(config, files, by, **options)


@rag_proxy.command(
    short_help="Ask a running proxy one question.",
    epilog="""\b
Examples:
  rag-proxy ask "Which retrieval modes are there?"
  rag-proxy ask "How many days of leave do I have?" --model hr-assistant
  RAG_PROXY_API_KEY=… rag-proxy ask "Who is on call?" --url https://rag.example.com""",
)
@click.argument("question")
@click.option(
    "--model",
    metavar="PROFILE",
    default="",
    help="Ask this profile or model (the proxy's default unless given).",
)
@click.option(
    "--url",
    metavar="URL",
    default="http://127.0.0.1:8000",
    help="Ask the proxy at this address (http://127.0.0.1:8000 unless given).",
)
def ask(question: str, model: str, url: str) -> int:
    """Ask a running proxy one question, with OpenAI's own client, and print the answer as it comes.

    The sources that it cites follow, each with its number. The key is that of RAG_PROXY_API_KEY
    or OPENAI_API_KEY. The exit code is 1 if there is no answer; then a sentence says why.
    """
    from proxy.settings.extras import require_openai  # noqa: PLC0415 - keeps --help fast

    if not question.strip():
        raise click.BadParameter("it is empty", param_hint="QUESTION")
    require_openai()
    from proxy.commands.ask import run  # noqa: PLC0415 - as above

    return run(question, model, url)


rag_proxy.add_command(keys)
rag_proxy.add_command(audit)
rag_proxy.add_command(config)
