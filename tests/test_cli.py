"""What can be typed, and how mistakes are answered: one line on stderr, never a traceback."""

import gc
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest

from proxy import cli
from proxy.cli import main
from proxy.errors import SettingsError
from tests.support.program import run_program

COMMANDS = ["serve", "demo", "sandbox", "check", "workspaces", "usage", "ask", "keys", "audit"]
KEY_COMMANDS = ["add", "list", "show", "revoke", "rotate"]
PARTS = [*(["keys", each] for each in KEY_COMMANDS), ["audit", "verify"]]


def test_help_names_every_command_and_says_how_to_begin(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"\n  {command} " in text for command in COMMANDS)
    assert "rag-proxy demo" in text


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out.startswith("Usage: rag-proxy")


@pytest.mark.parametrize(
    "command",
    [
        *([each] for each in COMMANDS),
        *(["keys", each] for each in KEY_COMMANDS),
        ["audit", "verify"],
    ],
)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_every_command_and_option_is_explained(
    command: list[str], flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, flag]) == 0
    text = capsys.readouterr().out
    assert f"Usage: rag-proxy {' '.join(command)}" in text
    assert "Examples:" in text
    found: click.Command = cli.rag_proxy
    for name in command:
        assert isinstance(found, click.Group)
        found = found.commands[name]
    shown = [each for each in found.params if isinstance(each, click.Option) and not each.hidden]
    assert shown or isinstance(found, click.Group)
    assert all(each.help for each in shown)


def test_an_internal_option_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    main(["sandbox", "--help"])
    assert "--attached" not in capsys.readouterr().out


def test_the_version_is_the_distribution_s(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"rag-proxy {version('rag-proxy')}\n"


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["serv"], "No such command 'serv'. Did you mean 'serve'?"),
        (["serve", "--prot", "1"], "--port"),
        (["serve", "--port"], "requires an argument"),
        (["serve", "--port", "x"], "'--port': x is not a port from 0 to 65535"),
        (["serve", "--port", "65536"], "65536 is not a port"),
        (["serve", "--workers", "0"], "0 is not in the range"),
        (["serve", "extra"], "unexpected extra argument"),
        (["ask", " "], "QUESTION: it is empty"),
        (["demo", "--docs", "no-such-folder"], "'no-such-folder' does not exist"),
        (["--prot"], "No such option"),
    ],
)
def test_a_usage_error_is_one_line_and_exit_code_2(
    arguments: list[str], part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("rag-proxy: ")
    assert part in printed.err
    assert printed.err.count("\n") == 1


def raising(error: BaseException) -> Any:
    @click.command()
    def command() -> None:
        raise error

    return command


def test_settings_problems_are_a_line_each_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(cli.rag_proxy.commands, "check", raising(SettingsError("one", "two")))
    assert main(["check"]) == 2
    assert capsys.readouterr().err == "rag-proxy: one\nrag-proxy: two\n"


def test_a_failure_that_is_not_the_users_typing_is_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = click.ClickException("port\nin use")
    monkeypatch.setitem(cli.rag_proxy.commands, "check", raising(error))
    assert main(["check"]) == 1
    assert capsys.readouterr().err == "rag-proxy: port in use\n"


def test_ctrl_c_is_quiet_and_exit_code_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(cli.rag_proxy.commands, "check", raising(KeyboardInterrupt()))
    assert main(["check"]) == 130
    assert capsys.readouterr().err.strip() == ""


def test_what_a_command_returns_is_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    command = click.Command("check", callback=lambda: 1)
    monkeypatch.setitem(cli.rag_proxy.commands, "check", command)
    assert main(["check"]) == 1


def test_the_exit_code_of_a_command_is_the_program_s(tmp_path: Path) -> None:
    done = run_program("serve", cwd=tmp_path)
    assert done.returncode == 2
    assert "LIGHTON_API_KEY is not set" in done.stderr
    assert all(line.startswith("rag-proxy: ") for line in done.stderr.splitlines())


def test_no_garbage_is_looked_for_while_the_proxy_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    class Loading(ModuleType):
        def run(self, *_: object, **__: object) -> None:
            looked.append(gc.isenabled())

        def __getattribute__(self, name: str) -> Any:
            if name == "run":
                looked.append(gc.isenabled())
            return super().__getattribute__(name)

    looked: list[bool] = []
    monkeypatch.setitem(sys.modules, "proxy.commands.serve", Loading("serve"))
    assert main(["serve"]) == 0
    assert looked == [False, True]


def test_help_imports_no_server_and_no_client() -> None:
    code = (
        "import sys; from proxy.cli import main; main(['serve', '--help']);"
        "heavy = {'uvicorn', 'starlette', 'openai', 'httpx', 'pydantic', 'pypdfium2'};"
        "sys.exit(','.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run(  # noqa: S603 - our own code, no shell
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
