"""The commands of `rag-proxy config` and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from proxy.commands.options import serve_options


@click.group(
    epilog="""\b
Examples:
  rag-proxy config check rag-proxy.toml
  rag-proxy config show --config rag-proxy.toml"""
)
def config() -> None:
    """Check a file of settings, or show which settings are in force."""


@config.command(
    short_help="Say whether a file of settings is right.",
    epilog="""\b
Examples:
  rag-proxy config check rag-proxy.toml""",
)
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
def check(file: Path) -> None:
    """Say whether FILE can hold settings, by itself: without the environment and without .env.

    So no key needs to be set, and nothing is asked or opened. The exit code is 2 if anything is
    wrong, and each problem is a line as at the start of the proxy.
    """
    from proxy.commands.config_check import run  # noqa: PLC0415 - keeps --help fast

    run(file)


@config.command(
    short_help="Show all settings, and where each comes from.",
    epilog="""\b
Examples:
  rag-proxy config show
  rag-proxy config show --config rag-proxy.toml --port 9000""",
)
@serve_options
def show(config: Path | None, **flags: Any) -> None:
    """Show the settings with which `rag-proxy serve` would start, given the same options.

    What it prints is TOML that can be read as a file of settings: each line ends with where the
    setting comes from. Secrets are not shown.
    """
    from proxy.commands.config_show import run  # noqa: PLC0415 - keeps --help fast

    run(config, **flags)
