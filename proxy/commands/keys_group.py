"""The commands of `rag-proxy keys` and their options. The work is in `proxy.commands.keys`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from proxy.access.grant_fields import MOST_WEIGHT
from proxy.commands.options import config_option, keys_file_option

_AMOUNT = click.IntRange(1)
_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(
    short_help="Make, show and end client keys.",
    epilog="""\b
Examples:
  rag-proxy keys add acme --workspace 42 --rpm 60
  rag-proxy keys list
  rag-proxy keys rotate acme --overlap 24h""",
)
def keys() -> None:
    """Make, show and end client keys, each of which opens what is its own."""


@keys.command(
    short_help="Make a key, and print it once.",
    epilog="""\b
Examples:
  rag-proxy keys add acme --workspace 42 --workspace 43 --rpm 60
  KEY=$(rag-proxy keys add intranet --all-workspaces --profile hr --expires 2027-01-31)""",
)
@click.argument("name")
@click.option(
    "--workspace",
    "workspaces",
    type=int,
    metavar="ID",
    multiple=True,
    help="Let it search this LightOn workspace; may be repeated.",
)
@click.option("--all-workspaces", is_flag=True, help="Let it search all that the settings allow.")
@click.option(
    "--profile",
    "profiles",
    metavar="NAME",
    multiple=True,
    help="Let it use this profile, and others only if named; may be repeated.",
)
@click.option(
    "--model",
    "models",
    metavar="NAME",
    multiple=True,
    help="Let it use this model, and others only if named; may be repeated.",
)
@click.option("--any-model", is_flag=True, help="Let it use any model, beside its profiles.")
@click.option(
    "--retrieval",
    metavar="MODES",
    help="Let it use only these of tool, context, hybrid and off, with commas between.",
)
@click.option(
    "--rpm", "requests_per_minute", type=_AMOUNT, metavar="N", help="The most requests in a minute."
)
@click.option(
    "--tpm", "tokens_per_minute", type=_AMOUNT, metavar="N", help="The most tokens in a minute."
)
@click.option("--concurrent", type=_AMOUNT, metavar="N", help="The most answers at the same time.")
@click.option("--daily-tokens", type=_AMOUNT, metavar="N", help="The most tokens in a day.")
@click.option("--monthly-tokens", type=_AMOUNT, metavar="N", help="The most tokens in a month.")
@click.option(
    "--weight",
    type=click.IntRange(1, MOST_WEIGHT),
    metavar="N",
    help="Serve N of its requests for one of a key without, where many wait for the model.",
)
@click.option(
    "--expires",
    metavar="DATE",
    help="Refuse it from the beginning of this day on (UTC), or from a time: 2027-01-31T18:00Z.",
)
@click.option("--metrics", is_flag=True, help="Let it read the proxy's metrics.")
@click.option(
    "--lighton-key-env",
    metavar="VARIABLE",
    help="Search with the LightOn key in this variable of the proxy's environment.",
)
@click.option(
    "--signed-user-header",
    metavar="HEADER",
    help="Let it stand for people: each request names one in this header, as a signed token.",
)
@click.option(
    "--signed-user-secret-env",
    metavar="VARIABLE",
    help="Check that header with the secret in this variable of the proxy's environment.",
)
@click.option(
    "--trust-user-header",
    metavar="HEADER",
    help="Let it stand for people whom this header names, without a proof.",
)
@click.option(
    "--trust-groups-header",
    metavar="HEADER",
    help="Take the groups of the person from this header, with commas between.",
)
@keys_file_option
@config_option
def add(name: str, config: Path | None, keys_file: str | None, **wishes: Any) -> None:
    """Make a key named NAME, and print it: the proxy keeps only a hash.

    Without --workspace and --all-workspaces it may search nothing. Without --profile, --model and
    --any-model it may name any profile and model.
    """
    from proxy.commands.keys import run_add  # noqa: PLC0415 - keeps --help fast

    run_add(config, keys_file, name, wishes)


@keys.command(
    "list",
    short_help="Show all keys in a table.",
    epilog="""\b
Examples:
  rag-proxy keys list
  rag-proxy keys list --json""",
)
@_json_option
@keys_file_option
@config_option
def list_keys(config: Path | None, keys_file: str | None, *, as_json: bool) -> None:
    """Show what each key opens, its limits, and when it was made and expires."""
    from proxy.commands.keys import run_list  # noqa: PLC0415 - keeps --help fast

    run_list(config, keys_file, as_json=as_json)


@keys.command(
    short_help="Show all of one key.",
    epilog="""\b
Examples:
  rag-proxy keys show acme""",
)
@click.argument("name")
@_json_option
@keys_file_option
@config_option
def show(name: str, config: Path | None, keys_file: str | None, *, as_json: bool) -> None:
    """Show all that the key file says of the key NAME, but not the key."""
    from proxy.commands.keys import run_show  # noqa: PLC0415 - keeps --help fast

    run_show(config, keys_file, name, as_json=as_json)


@keys.command(
    short_help="End a key.",
    epilog="""\b
Examples:
  rag-proxy keys revoke acme""",
)
@click.argument("name")
@keys_file_option
@config_option
def revoke(name: str, config: Path | None, keys_file: str | None) -> None:
    """End the key NAME, with all its secrets. A running proxy follows within two seconds."""
    from proxy.commands.keys import run_revoke  # noqa: PLC0415 - keeps --help fast

    run_revoke(config, keys_file, name)


@keys.command(
    short_help="Give a key a new secret.",
    epilog="""\b
Examples:
  rag-proxy keys rotate acme
  KEY=$(rag-proxy keys rotate acme --overlap 0)""",
)
@click.argument("name")
@click.option(
    "--overlap",
    metavar="TIME",
    default="24h",
    help="Let the old secret work for so long (24h unless given): 30m, 24h, 7d, or 0.",
)
@keys_file_option
@config_option
def rotate(name: str, config: Path | None, keys_file: str | None, overlap: str) -> None:
    """Give the key NAME a new secret, and print it. All that the key opens stays."""
    from proxy.commands.keys import run_rotate  # noqa: PLC0415 - keeps --help fast

    run_rotate(config, keys_file, name, overlap)
