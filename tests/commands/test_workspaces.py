"""`rag-proxy workspaces` against the stand-ins."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.cli import main
from proxy.commands.workspaces import Seen, table_of
from proxy.core.stores import Workspace
from proxy.sandbox.app import create_sandbox
from proxy.sandbox.documents.corpus import load_corpus
from proxy.sandbox.faults import Faults
from tests.access.key_samples import sha256
from tests.sandbox.samples import write
from tests.support.server import serving_in_thread

FAULTS = Faults()


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    files = {"hr/a.txt": "Leave.", "hr/b.txt": "Pay.", "legal/c.txt": "Lease."}
    corpus = load_corpus(write(tmp_path_factory.mktemp("company"), files))
    with serving_in_thread(create_sandbox(corpus, faults=FAULTS)) as url:
        yield url


@pytest.fixture(autouse=True)
def surroundings(sandbox: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    FAULTS.clear()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIGHTON_BASE_URL", sandbox)
    monkeypatch.setenv("LIGHTON_API_KEY", "key")


def test_the_workspaces_are_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["workspaces"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "ID  NAME   FILES  ROLE    IN SCOPE",
        "1   hr     2      viewer  yes",
        "2   legal  1      viewer  yes",
    ]


def test_those_outside_the_scope_of_the_settings_are_marked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_PROXY_WORKSPACE_ID", "[2, 77]")
    assert main(["workspaces", "--json"]) == 0
    said = capsys.readouterr()
    assert [(each["id"], each["in_scope"]) for each in json.loads(said.out)] == [
        (1, False),
        (2, True),
    ]
    assert said.err == (
        "rag-proxy: warning: workspace_id names 77, which LightOn does not list for this key\n"
    )


def test_a_profile_that_names_what_is_not_there_is_warned_of(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    profiles = '{"handbook": {"workspace_id": [42, 1]}, "hr": {"workspace_id": [1]}, "all": {}}'
    monkeypatch.setenv("RAG_PROXY_PROFILES", profiles)
    assert main(["workspaces"]) == 0
    assert capsys.readouterr().err == (
        "rag-proxy: warning: profiles.handbook.workspace_id names 42, "
        "which LightOn does not list for this key\n"
    )


def test_a_client_key_is_shown_what_is_open_to_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keys = tmp_path / "keys.toml"
    keys.write_text(f'[keys.acme]\nid = "k1"\nsha256 = "{sha256("s" * 40)}"\nworkspaces = [1]\n')
    keys.chmod(0o600)
    monkeypatch.setenv("RAG_PROXY_KEYS_FILE", str(keys))
    assert main(["workspaces", "--key", "acme"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [each.split()[-1] for each in lines[1:]] == ["yes", "no"]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "LightOn rejects LIGHTON_API_KEY: create one at"),
        (500, "LightOn failed with HTTP 500"),
    ],
)
def test_a_fault_is_one_line_that_says_what_to_do(
    status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    FAULTS.add("lighton", status=status, times=0)
    assert main(["workspaces"]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert said in err


def test_an_address_where_nothing_listens_is_explained(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIGHTON_BASE_URL", "http://127.0.0.1:9")
    assert main(["workspaces"]) == 1
    assert "check LIGHTON_BASE_URL" in capsys.readouterr().err


def test_without_a_key_of_lighton_s_the_mistake_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LIGHTON_API_KEY")
    assert main(["workspaces"]) == 2
    err = capsys.readouterr().err
    assert "LIGHTON_API_KEY" in err
    assert "SCALEWAY" not in err


def test_a_name_cannot_write_to_the_terminal_or_break_the_table() -> None:
    workspace = Workspace(1, f"a\x1b[31m\nb{'c' * 99}", role="")
    _, line = table_of([Seen(workspace, is_open=True)])
    assert line.isprintable()
    assert line.startswith("1   a[31m bccc")
    assert line.endswith("c…  0      -     yes")
