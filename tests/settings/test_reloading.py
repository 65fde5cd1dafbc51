from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from proxy.access.clients import Client, Person
from proxy.access.rules import Rules
from proxy.errors import NoAccess
from proxy.settings import Settings, load_settings
from proxy.settings.access import rules_of
from proxy.settings.reloading import Origin, SettingsFile
from tests.settings.given import SECRET, set_variables, toml

ONE = '[[access]]\nuser = "ann"\nworkspace_id = [1]\n'
TWO = '[[access]]\nuser = "ann"\nworkspace_id = [2]\n'
ANN = Person("ann")


class World:
    """The rules of a proxy that was started with a file of settings."""

    def __init__(self, text: str, **flags: int) -> None:
        origin = Origin(toml(text), flags)
        started = origin.load()
        self.rules = Rules(rules_of(started.access))
        path = origin.file
        assert path is not None
        self.file = SettingsFile(path, origin, started, [self.apply])

    def apply(self, settings: Settings) -> str:
        self.rules.take(rules_of(settings.access))
        return f"{len(settings.access)} rules"

    def now(self, text: str) -> list[int]:
        """What Ann may search after the file has become this."""
        toml(text)
        self.file.look()
        return self.of_ann()

    def of_ann(self) -> list[int]:
        return sorted(self.rules.admit(Client("key"), ANN).of_person.workspaces or ())


@pytest.fixture(autouse=True)
def _heard(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "proxy.settings")


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    told = [f"{each.levelname} {each.getMessage()}" for each in caplog.records]
    caplog.clear()
    return told


def test_other_rules_in_the_file_hold_at_once(caplog: pytest.LogCaptureFixture) -> None:
    world = World(ONE)
    assert lines(caplog) == []
    assert world.now(TWO) == [2]
    assert lines(caplog) == ["INFO rag-proxy.toml: read again: 1 rules."]
    with pytest.raises(NoAccess):
        world.now("")
    assert lines(caplog) == ["INFO rag-proxy.toml: read again: 0 rules."]


def test_a_change_while_the_proxy_started_holds(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World(ONE)
    path = toml(TWO)
    SettingsFile(path, Origin(path), Settings(), [world.apply])
    assert world.of_ann() == [2]
    assert len(lines(caplog)) == 1


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        ("[[access", "rag-proxy.toml: not valid TOML ("),
        ("[[access]]\nuser = 3", "access[1].user in rag-proxy.toml: must be text."),
        (f"{TWO}[nothing]\nx = '{SECRET}'", "nothing in rag-proxy.toml: no such setting."),
    ],
)
def test_a_broken_file_keeps_the_rules_and_is_one_error_line(
    broken: str, problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(ONE)
    assert [world.now(broken) for _ in range(3)] == [[1]] * 3
    (line,) = lines(caplog)
    assert line.startswith(f"ERROR {problem}")
    assert line.endswith(" What was read before holds on.")
    assert SECRET not in line
    assert world.now(ONE) == [1]
    assert lines(caplog) == ["INFO rag-proxy.toml: read again: 1 rules."]


def test_a_file_that_is_gone_keeps_the_rules(caplog: pytest.LogCaptureFixture) -> None:
    world = World(ONE)
    Path("rag-proxy.toml").unlink()
    world.file.look()
    assert world.of_ann() == [1]
    (line,) = lines(caplog)
    assert line.startswith("ERROR rag-proxy.toml: cannot be read (No such file or directory). ")


def test_rules_in_the_environment_win_over_a_changed_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_variables(monkeypatch, RAG_PROXY_ACCESS='[{"user": "ann", "workspace_id": [7]}]')
    assert World(ONE).now(TWO) == [7]


def test_what_waits_is_named_without_its_value(caplog: pytest.LogCaptureFixture) -> None:
    world = World(ONE, port=1)
    toml(f'port = 3\nhost = "::1"\nmax_rounds = 2\nlighton_api_key = "{SECRET}"\n{ONE}')
    world.file.look()
    (line,) = lines(caplog)
    assert line == (
        "INFO rag-proxy.toml: read again: 1 rules. These hold after SIGHUP: lighton_api_key, "
        "max_rounds. These hold from the next start: host."
    )


def test_a_file_that_says_the_same_in_other_words_is_no_news(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World(ONE)
    assert world.now(f"# Ann's\n{ONE}") == [1]
    assert lines(caplog) == []


def test_only_a_file_that_can_be_read_again_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Origin().file is None
    assert Origin(Path("missing.toml")).file is None
    os.mkfifo("pipe")
    assert Origin(Path("pipe")).file is None
    path = toml(ONE)
    assert Origin(path).file == path
    set_variables(monkeypatch, RAG_PROXY_CONFIG=str(path))
    assert Origin().file == path
    assert Origin().load() == load_settings(path)
