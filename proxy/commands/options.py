"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


class _Port(click.IntRange):
    """A number that can be a port."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return int(super().convert(value, param, ctx))
        except click.BadParameter:
            self.fail(f"{value} is not a port from {self.min} to {self.max}", param, ctx)


PORT: Final = _Port(0, 65535)

config_option = click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Read settings from this TOML file (or set RAG_PROXY_CONFIG).",
)
keys_file_option = click.option(
    "--keys-file",
    metavar="FILE",
    help="Keep client keys in this TOML file (or set RAG_PROXY_KEYS_FILE).",
)
_SERVE: Final = (
    config_option,
    click.option(
        "--host",
        metavar="ADDRESS",
        help="Listen on this address (127.0.0.1 unless set). One that other machines reach needs "
        "client keys: RAG_PROXY_KEYS_FILE or RAG_PROXY_API_KEYS.",
    ),
    click.option(
        "--port",
        type=PORT,
        metavar="PORT",
        help="Listen on this port (8000 unless set); 0 picks a free one.",
    ),
    click.option(
        "--workers",
        type=click.IntRange(1),
        metavar="N",
        help="Serve with this many processes (1 unless set).",
    ),
    keys_file_option,
)


def serve_options(command: F) -> F:
    """The options of what serves: flags that are settings, by their names."""
    for option in reversed(_SERVE):
        command = option(command)
    return command
