"""`rag-proxy config show`: the settings in force, and where each comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from proxy.settings.loading import build_settings, read_sources
from proxy.settings.shown import shown

_FIRST: Final = "# The settings in force. Secrets are hidden: set them again to use this as a file."


def run(config: Path | None, **flags: object) -> None:
    sources = read_sources(config, **flags)
    settings = build_settings(sources)
    click.echo("\n".join((_FIRST, *shown(settings, sources))))
