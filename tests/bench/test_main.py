"""The command."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import __main__ as command
from bench.gateways import PROXY, gateways, subjects
from bench.scenarios import SCENARIOS
from bench.site import over_https
from tests.support.program import PATIENCE_S, running

ROOT = Path(__file__).parents[2]


def test_the_help_names_what_can_be_chosen() -> None:
    text = " ".join(CliRunner().invoke(command.main, ["--help"]).output.split())
    assert all(subject.name in text for subject in subjects())
    assert all(scenario in text for scenario in SCENARIOS)


OURS = ("rag-proxy", "rag-proxy-responses", "rag-proxy-off")


@pytest.mark.parametrize(
    ("arguments", "typed"),
    [([], "make bench"), (["--quick", "--write"], 'make bench ARGS="--quick --write"')],
)
def test_the_command_is_told_as_it_is_typed(
    arguments: list[str], typed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", *arguments])
    assert command._command() == typed


@pytest.mark.parametrize(
    ("only", "upstream", "names"),
    [
        ((), "http", {"direct", "beside", *OURS}),
        ((), "https", {"direct", "beside-https", *(f"{each}-https" for each in OURS)}),
        (("rag-proxy",), None, {"direct", "rag-proxy", "beside"}),
        (("rag-proxy", "rag-proxy-https"), "https", {"direct", "rag-proxy-https", "beside-https"}),
        (("nginx-https",), None, {"direct"}),
    ],
)
def test_columns_are_chosen_by_name_and_by_how_upstreams_are_asked(
    tmp_path: Path, only: tuple[str, ...], upstream: str | None, names: set[str]
) -> None:
    chosen, servers, pairs = command._choose(only, upstream, tmp_path)
    peers = {peer.gateway for peer in subjects()} - {"", PROXY, f"{PROXY}-https"}
    assert {each.name for each in chosen if each.gateway not in peers} == names
    assert {each.gateway for each in chosen} == {"", *servers}
    assert ("rag-proxy", "beside") in pairs


def test_without_options_every_column_is_measured() -> None:
    chosen, servers, _ = command._choose((), None, None)
    assert chosen == subjects()
    assert set(servers) == set(gateways())


@pytest.mark.usefixtures("certificates")
def test_certificates_are_made_only_where_they_are_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, secure = {PROXY: gateways()[PROXY]}, {PROXY: over_https(gateways()[PROXY])}
    made = command._certificates(secure, tmp_path)
    assert made is not None
    assert made.authority.exists()
    assert command._certificates(plain, tmp_path) is None
    monkeypatch.setattr("bench.certificates.shutil.which", lambda _: None)
    assert command._certificates(secure, tmp_path) is None


def test_a_run_of_nothing_prints_verdicts_and_ends_well() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--only", "direct", "--scenario", "workers"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("not measured: ") == 12


def test_a_wrong_choice_is_said_in_a_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--only", "nobody"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 2
    assert "'nobody' is not one of" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_all_that_was_started(number: signal.Signals) -> None:
    options = ["--quick", "--only", "direct", "--scenario", "streams"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with running([sys.executable, "-m", "bench", *options], cwd=ROOT, **pipes) as bench:
        assert bench.stderr
        bench.stderr.readline()  # a load has run: the next is under way
        children = Path(f"/proc/{bench.pid}/task/{bench.pid}/children").read_text().split()
        assert len(children) == 1
        bench.send_signal(number)
        _, said = bench.communicate(timeout=PATIENCE_S)
    assert bench.returncode == command.INTERRUPTED
    assert not re.search("Traceback", said)
    assert not Path(f"/proc/{children[0]}").exists()
