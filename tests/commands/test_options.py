"""Options that several commands share."""

from __future__ import annotations

from typing import Any

import click
import pytest
from click.testing import CliRunner

from proxy.cli import rag_proxy
from proxy.commands.options import PORT, serve_options
from proxy.settings import Settings


@click.command()
@serve_options
def echo(**flags: Any) -> None:
    click.echo(repr({name: value for name, value in flags.items() if value is not None}))


def test_each_option_of_serving_is_a_setting_but_the_file() -> None:
    names = {each.name for each in echo.params}
    assert names - {"config"} <= set(Settings.model_fields)
    assert "config" in names


def test_what_serves_and_what_shows_take_the_same_options() -> None:
    config = rag_proxy.commands["config"]
    assert isinstance(config, click.Group)
    found = [
        [(each.name, each.opts) for each in command.params]
        for command in (echo, rag_proxy.commands["serve"], config.commands["show"])
    ]
    assert found[0] == found[1] == found[2]


def test_an_option_that_was_not_given_is_none() -> None:
    assert CliRunner().invoke(echo, ["--port", "0"]).output == "{'port': 0}\n"


@pytest.mark.parametrize("value", ["-1", "65536", "x"])
def test_what_can_be_no_port_is_refused_in_words(value: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a port from 0 to 65535"):
        PORT.convert(value, None, None)
