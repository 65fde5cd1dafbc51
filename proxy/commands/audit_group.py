"""The commands of `rag-proxy audit` and their options. The work is in `proxy.commands.audit`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from proxy.commands.options import config_option

_DIGITS: Final = 64


def _hash(value: str) -> str:
    """A SHA-256 in hexadecimal digits. Raises BadParameter."""
    text = value.strip().lower()
    if len(text) != _DIGITS or set(text) - set("0123456789abcdef"):
        raise click.BadParameter(f"a hash has {_DIGITS} hexadecimal digits")
    return text


@click.group(
    epilog="""\b
Examples:
  rag-proxy audit verify
  rag-proxy audit verify audit.jsonl"""
)
def audit() -> None:
    """Show whether the audit file is whole."""


@audit.command(
    short_help="Show whether lines were changed or are missing.",
    epilog="""\b
Examples:
  rag-proxy audit verify
  rag-proxy audit verify audit.jsonl.2.gz audit.jsonl.1 audit.jsonl
  rag-proxy audit verify --holds $(cat hash-of-yesterday)""",
)
@click.argument("files", type=click.Path(path_type=Path), metavar="[FILE]...", nargs=-1)
@click.option(
    "--holds",
    type=_hash,
    metavar="HASH",
    multiple=True,
    help="Demand a line with this hash, noted earlier; may be repeated. Nothing else shows that "
    "the end was cut off.",
)
@click.option(
    "--after",
    type=_hash,
    metavar="HASH",
    help="Begin after the line with this hash, noted before its file was deleted.",
)
@config_option
def verify(config: Path | None, files: tuple[Path, ...], after: str | None, **options: Any) -> int:
    """Show whether lines of each FILE were changed, moved, added or removed, and where.

    Without a FILE, it reads RAG_PROXY_AUDIT_FILE and what logrotate has made of it. It prints the
    hash of the last line. The exit code is 1 if anything is wrong.
    """
    from proxy.commands.audit import run_verify  # noqa: PLC0415 - keeps --help fast

    return run_verify(config, files, after=after or "", **options)
