"""`rag-proxy config check`: what it says of a file of settings, by itself."""

from pathlib import Path

import pytest

from proxy.cli import main

Printed = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def check(text: str, capsys: Printed) -> tuple[int, str, list[str]]:
    Path("rag-proxy.toml").write_text(text, encoding="utf-8")
    code = main(["config", "check", "rag-proxy.toml"])
    shown = capsys.readouterr()
    return code, shown.out, shown.err.splitlines()


def test_a_file_that_is_right_is_one_line(capsys: Printed) -> None:
    text = 'port = 9000\n[profiles.hr]\nmodel = "m"'
    assert check(text, capsys) == (0, "rag-proxy.toml: ok, 2 settings\n", [])
    assert check("port = 9000", capsys)[1] == "rag-proxy.toml: ok, 1 setting\n"


def test_keys_may_be_missing(capsys: Printed) -> None:
    """They are in the environment of the proxy, also those without which it serves nobody."""
    assert check('host = "0.0.0.0"', capsys)[0] == 0


def test_each_problem_is_one_line_as_at_the_start(capsys: Printed) -> None:
    code, out, err = check("prot = 1\nmax_rounds = 'x'", capsys)
    assert (code, out) == (2, "")
    assert sorted(err) == [
        "rag-proxy: max_rounds in rag-proxy.toml: must be a whole number",
        "rag-proxy: prot in rag-proxy.toml: no such setting; did you mean port?",
    ]


def test_profiles_that_no_request_could_use_are_problems(capsys: Printed) -> None:
    code, _, err = check("workspace_id = [1]\n[profiles.hr]\nworkspace_id = [2]", capsys)
    assert code == 2
    assert err == [
        "rag-proxy: profiles.hr.workspace_id: the settings' workspace_id allows none of it"
    ]


def test_neither_environment_nor_dotenv_has_a_part_in_it(
    capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_PROXY_PORT", "no port")
    Path(".env").write_text("RAG_PROXY_WORKERS=none\n")
    assert check("port = 1", capsys)[0] == 0


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"port =", "not valid TOML"), (b"\xff", "cannot be read (not UTF-8 text)")],
)
def test_what_is_no_toml_is_one_problem(content: bytes, why: str, capsys: Printed) -> None:
    Path("bad.toml").write_bytes(content)
    assert main(["config", "check", "bad.toml"]) == 2
    assert capsys.readouterr().err.startswith(f"rag-proxy: bad.toml: {why}")


def test_a_file_that_is_not_there_is_one_problem(capsys: Printed) -> None:
    assert main(["config", "check", "none.toml"]) == 2
    assert capsys.readouterr().err.startswith("rag-proxy: none.toml: cannot be read")


def test_no_problem_repeats_what_the_file_holds(capsys: Printed) -> None:
    _, _, err = check("lighton_api_key = 'two secret words'", capsys)
    assert err
    assert "secret words" not in "\n".join(err)
