"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

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
