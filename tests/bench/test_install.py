"""The installation of peers: nothing is fetched here."""

import sys
from pathlib import Path

import pytest

from bench import install
from bench import peers as known
from bench.install import STEPS, InstallError, Step, install_all

PEERS = {"nginx", "TensorZero", "agentic-api", "Portkey", "LiteLLM"}


@pytest.fixture
def peers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(known, "PEERS", tmp_path)
    return tmp_path


def package_in(folder: Path) -> None:
    (folder / "lib" / "python3.11" / "site-packages" / "litellm-1.0.dist-info").mkdir(parents=True)


def fail_after(folder: Path) -> None:
    package_in(folder)
    raise InstallError("no matching distribution")


def test_every_peer_has_a_step() -> None:
    assert {step.gateway for step in STEPS} == PEERS == {peer.name for peer in known.peers()}


def test_what_is_missing_is_installed_once(peers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    step = Step("LiteLLM", "litellm", package_in)
    install_all([step], peers)
    assert capsys.readouterr().out == "LiteLLM: installing ...\nLiteLLM: 1.0\n"
    install_all([step], peers)
    assert capsys.readouterr().out == "LiteLLM: 1.0\n"


def test_a_failure_is_told_and_leaves_nothing_and_the_next_peer_is_tried(
    peers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = [Step("LiteLLM", "litellm", fail_after), Step("LiteLLM", "litellm", package_in)]
    install_all(steps, peers)
    said = capsys.readouterr().out
    assert "LiteLLM: could not be installed: no matching distribution\n" in said
    assert said.endswith("LiteLLM: 1.0\n")
    install_all([Step("TensorZero", "tensorzero", fail_after)], peers)
    assert not (peers / "tensorzero").exists()


def test_a_command_that_fails_says_its_last_line() -> None:
    program = "print('first'); print('the reason'); raise SystemExit(3)"
    with pytest.raises(InstallError, match=r"^the reason$"):
        install._run(sys.executable, "-c", program)
    with pytest.raises(InstallError, match="ended with 3"):
        install._run(sys.executable, "-c", "raise SystemExit(3)")
    with pytest.raises(InstallError, match="no-such-program"):
        install._run("no-such-program")


def test_wheels_only_and_no_scripts_of_packages_are_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    monkeypatch.setattr(install, "_run", lambda *argv, **_: ran.append(" ".join(argv)))
    for step in STEPS:
        step.install(tmp_path / step.folder)
    pip = [each for each in ran if " install " in each and "pip" in each]
    assert len(pip) == 3
    assert all("--only-binary :all:" in each for each in pip)
    assert all("--ignore-scripts" in each for each in ran if each.startswith("npm "))
