from __future__ import annotations

import logging
import os
import re
from pathlib import Path

import pytest

from proxy.access.clients import Client, Person
from proxy.access.rules import Rules
from proxy.errors import NoAccess, SettingsError
from proxy.settings import Settings, load_named_secrets, load_settings
from proxy.settings.access import AccessRule, rules_of
from proxy.settings.checks import check_exposure
from proxy.settings.named_secrets import NamedSecrets
from proxy.settings.reloading import FIXED, Check, Following, Given, Origin, SettingsFile, changes
from tests.settings.given import SECRET, set_variables, toml
from tests.settings.others import other, written

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
        (f"{TWO}port = {'[' * 5_000}", "rag-proxy.toml: has a number that is too long, or lists"),
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


def unchecked(_settings: Settings, _secrets: NamedSecrets) -> tuple[str, ...]:
    return ()


def write(name: str, text: str) -> None:
    Path(name).write_text(text)


class Running:
    """A proxy that was started with a file of settings, and hears signals."""

    def __init__(self, text: str, check: Check = unchecked) -> None:
        self.origin = Origin(toml(text), check=check)
        self.given = Given(self.origin.load(), load_named_secrets())
        self.rules: tuple[AccessRule, ...] = ()
        self._signals = 0
        self._following = Following(
            self.origin, self.given, self.replace, self.apply, hang_ups=lambda: self._signals
        )

    def replace(self, given: Given) -> None:
        self.given = given

    def apply(self, settings: Settings) -> str:
        self.rules = settings.access
        return "rules"

    async def signal(self) -> Settings:
        """What holds after a signal."""
        self._signals += 1
        await self._following.look()
        return self.given.settings

    async def look(self) -> Settings:
        await self._following.look()
        return self.given.settings


@pytest.mark.parametrize("name", Settings.model_fields)
async def test_every_setting_holds_after_the_signal_or_is_named_as_waiting(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    running = Running("")
    before = running.given.settings
    value = other(name)
    expected = getattr(Settings(**{name: value}), name)  # any setting
    toml(f"{name} = {written(value)}\n")
    after = await running.signal()
    told = lines(caplog)
    if name in FIXED:
        assert getattr(after, name) == getattr(before, name)
        assert told == [
            "INFO SIGHUP: settings read again. Nothing has changed.",
            f"WARNING SIGHUP: These hold from the next start: {name}.",
        ]
    else:
        assert getattr(after, name) == expected
        assert told[0].startswith(f"INFO SIGHUP: settings read again. Changed: {name}")
        assert len(told) == 1


async def test_what_the_check_refuses_changes_nothing_and_warnings_are_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def check(settings: Settings, _secrets: NamedSecrets) -> tuple[str, ...]:
        if settings.max_rounds > 5:
            raise SettingsError("max_rounds: too many", "and more")
        return (f"{settings.max_rounds} rounds",)

    running = Running("max_rounds = 2\n", check)
    toml(f"max_rounds = 9\n{ONE}")
    assert (await running.signal()).max_rounds == 2
    assert running.rules == ()
    assert lines(caplog) == [
        "ERROR SIGHUP: max_rounds: too many; and more. What was read before holds on."
    ]
    toml(f"max_rounds = 3\n{ONE}")
    assert (await running.signal()).max_rounds == 3
    assert len(running.rules) == 1
    assert lines(caplog) == [
        "INFO SIGHUP: settings read again. Changed: max_rounds, access.",
        "WARNING SIGHUP: 3 rounds",
    ]


async def test_the_check_is_also_of_what_will_hold_now(caplog: pytest.LogCaptureFixture) -> None:
    """A file that moves the proxy to a loopback address must not open the address it is on."""

    def check(settings: Settings, _secrets: NamedSecrets) -> tuple[str, ...]:
        check_exposure(settings)
        return ()

    key = f'api_keys = ["{SECRET * 2}"]\n'
    running = Running(f'host = "0.0.0.0"\n{key}', check)
    toml('host = "127.0.0.1"\n')
    assert (await running.signal()).api_keys
    (line,) = lines(caplog)
    assert line.startswith("ERROR SIGHUP: refusing to listen on 0.0.0.0 without client keys: ")
    assert SECRET not in line


async def test_a_change_without_a_signal_lets_rules_hold_and_the_signal_the_rest(
    caplog: pytest.LogCaptureFixture,
) -> None:
    running = Running("max_rounds = 2\n")
    toml(f"max_rounds = 3\nport = 1\n{ONE}")
    assert (await running.look()).max_rounds == 2
    assert len(running.rules) == 1
    assert lines(caplog) == [
        (
            "INFO rag-proxy.toml: read again: rules. These hold after SIGHUP: max_rounds."
            " These hold from the next start: port."
        )
    ]
    assert (await running.signal()).max_rounds == 3
    assert len(lines(caplog)) == 2
    assert (await running.look()).max_rounds == 3
    toml(f"max_rounds = 3\nport = 1\n{TWO}")
    await running.look()
    assert lines(caplog) == [
        "INFO rag-proxy.toml: read again: rules. These hold from the next start: port."
    ]


async def test_without_a_file_the_signal_reads_dotenv_and_files_of_secrets(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write("secret", "first")
    set_variables(monkeypatch, LIGHTON_API_KEY_FILE="secret")
    origin = Origin()
    held = [Given(origin.load(), load_named_secrets())]
    heard = [0]
    following = Following(origin, held[0], held.append, lambda _: "", hang_ups=lambda: heard[0])
    await following.look()
    assert len(held) == 1
    write("secret", SECRET)
    write(".env", "RAG_PROXY_MAX_ROUNDS=7\nLIGHTON_KEY_OF_HR=other\n")
    heard[0] += 1
    await following.look()
    settings = held[-1].settings
    assert settings.lighton_api_key is not None
    assert settings.lighton_api_key.get_secret_value() == SECRET
    assert settings.max_rounds == 7
    assert held[-1].secrets.named("LIGHTON_KEY_OF_HR") == "other"
    (line,) = lines(caplog)
    assert line == (
        "INFO SIGHUP: settings read again. Changed: lighton_api_key, max_rounds, variables in .env."
    )


def test_changes_name_single_profiles() -> None:
    before = Settings(profiles={"a": {"model": "m"}, "b": {"model": "m"}, "c": {"model": "m"}})
    after = Settings(profiles={"a": {"model": "n"}, "b": {"model": "m"}, "d": {"model": "m"}})
    assert changes(before, after) == ["profiles.a", "profiles.c", "profiles.d"]


def test_the_manual_names_what_waits_for_the_next_start() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    _, _, after = manual.partition("- What a running process cannot change is a line of its own: ")
    assert set(re.findall(r"`(\w+)`", after.partition(".\n")[0])) == FIXED
