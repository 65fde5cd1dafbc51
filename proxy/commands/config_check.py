"""`rag-proxy config check`: whether a file of settings is right by itself."""

from __future__ import annotations

from pathlib import Path

import click

from proxy.settings.checks import check_profiles
from proxy.settings.loading import build_settings
from proxy.settings.sources import from_toml
from proxy.upstreams.lighton.scope import LightOnScope


def run(file: Path) -> None:
    """Raises SettingsError with every problem of the file."""
    source = from_toml(file)
    settings = build_settings((source,))
    check_profiles(settings, LightOnScope)
    count = len(source.values)
    click.echo(f"{file}: ok, {count} {'setting' if count == 1 else 'settings'}")
