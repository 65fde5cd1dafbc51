"""`deploy/systemd/rag-proxy.service`: verified by systemd itself, where it is installed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.fronted import DEPLOY, program
from tests.deploy.settings_named import unknown

UNIT = DEPLOY / "systemd" / "rag-proxy.service"
TEXT = UNIT.read_text()
PATIENCE_S = 120
MOST_EXPOSED = 1.5
"""Of 10. An ordinary service has 9.6."""


def values(name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", TEXT, re.MULTILINE)


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [program("systemd-analyze", "systemd"), *arguments]
    return subprocess.run(  # noqa: S603 - systemd's own check, which starts nothing
        command, capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )


@pytest.fixture(name="unit")
def _unit(tmp_path: Path) -> Path:
    """The unit with a program that exists on this machine."""
    file = tmp_path / UNIT.name
    file.write_text(TEXT.replace("/opt/rag-proxy/bin/rag-proxy", sys.executable))
    return file


def test_systemd_understands_every_line(unit: Path) -> None:
    done = analyze("verify", str(unit))

    assert (done.returncode, done.stderr) == (0, "")


def test_systemd_finds_little_that_is_exposed(unit: Path) -> None:
    done = analyze("security", "--offline=true", str(unit))

    (exposed,) = re.findall(r"Overall exposure level.*: ([\d.]+)", done.stdout)
    assert float(exposed) <= MOST_EXPOSED


def test_the_proxy_knows_every_variable_that_it_is_given() -> None:
    names = [each.partition("=")[0] for each in values("Environment")]

    assert names
    assert unknown(names) == set()


def test_every_credential_that_a_variable_names_is_loaded() -> None:
    named = {each.split("%d/")[1] for each in values("Environment") if "%d/" in each}

    assert named == {each.partition(":")[0] for each in values("LoadCredential")}


def test_it_waits_longer_than_running_requests_get() -> None:
    given = dict(each.split("=", 1) for each in values("Environment"))
    (stop_s,) = values("TimeoutStopSec")

    assert float(stop_s) > float(given["RAG_PROXY_GRACE_S"])
    assert "RAG_PROXY_DRAIN_DELAY_S" not in given


def test_a_reload_reads_the_settings_again() -> None:
    assert values("ExecReload") == ["kill -HUP $MAINPID"]
