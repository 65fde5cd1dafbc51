"""`rag-proxy keys` as a user types it."""

from __future__ import annotations

import json
import os
import re
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from proxy.access.clients import Client, PeopleHeaders
from proxy.access.grants import Grant, Limits
from proxy.access.key_file import KeyFile, read_keys
from proxy.access.key_records import KeyRecord
from proxy.access.keys import KeyRing
from proxy.cli import main
from proxy.errors import Unauthorized
from tests.access.key_samples import table
from tests.support.program import clean_environment, run_program

KEY = r"rp-[0-9A-Za-z]{43}"


@pytest.fixture(name="path")
def _path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The key file that the environment names, in an empty working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", clean_environment({"RAG_PROXY_KEYS_FILE": "keys.toml"}))
    return Path("keys.toml")


@pytest.fixture(name="said")
def _said(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command that succeeds, and give what it prints on stdout and on stderr."""

    def run(*arguments: str) -> tuple[str, str]:
        assert main(["keys", *arguments]) == 0
        return capsys.readouterr()

    return run


@pytest.fixture(name="refused")
def _refused(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command that fails, and give the one line that it says."""

    def run(*arguments: str) -> str:
        assert main(["keys", *arguments]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        (line,) = printed.err.splitlines()
        assert line.startswith("rag-proxy: ")
        return line.removeprefix("rag-proxy: ")

    return run


def only(path: Path) -> KeyRecord:
    (record,) = read_keys(path)
    return record


def client_of(path: Path, key: str) -> Client:
    ring = KeyRing([], secret=b"s", file=KeyFile(path))
    return ring.identify({"authorization": f"Bearer {key}"})


# add


def test_a_new_key_is_printed_once_and_opens_what_was_asked_for(path: Path, said: Any) -> None:
    out, err = said("add", "acme", "--workspace", "42", "--workspace", "43", "--rpm", "60")
    assert re.fullmatch(f"{KEY}\n", out)
    assert err.splitlines() == [
        "rag-proxy: acme opens workspaces: 42, 43; profiles: any; models: any",
        "rag-proxy: its key, of which keys.toml keeps a hash, is shown only now:",
    ]
    client = client_of(path, out.strip())
    assert client.name == "acme"
    assert client.grant == Grant(
        workspaces=frozenset({42, 43}), limits=Limits(requests_per_minute=60)
    )
    assert out.strip() not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_shell_gets_the_key_and_nothing_else(tmp_path: Path) -> None:
    done = run_program("keys", "add", "acme", "--keys-file", "k.toml", cwd=tmp_path)
    assert (done.returncode, re.fullmatch(f"{KEY}\n", done.stdout) is not None) == (0, True)
    assert client_of(tmp_path / "k.toml", done.stdout.strip()).name == "acme"


def test_all_options_reach_the_file(path: Path, said: Any) -> None:
    Path("rag-proxy.toml").write_text("[profiles.hr]\n")
    said(
        *("add", "acme", "--all-workspaces", "--profile", "hr", "--model", "m"),
        *("--retrieval", "tool, off", "--rpm", "1", "--tpm", "2", "--concurrent", "3"),
        *("--daily-tokens", "4", "--monthly-tokens", "5", "--expires", "2127-01-31"),
        *(
            "--weight",
            "6",
            "--metrics",
            "--lighton-key-env",
            "ACME_KEY",
            "--config",
            "rag-proxy.toml",
        ),
    )
    record = only(path)
    assert record.grant == Grant(
        profiles=frozenset({"hr"}),
        models=frozenset({"m"}),
        retrieval=frozenset({"tool", "off"}),
        lighton_key_env="ACME_KEY",
        may_read_metrics=True,
        limits=Limits(1, 2, 3, 4, 5),
        weight=6,
    )
    assert record.expires == datetime(2127, 1, 31, tzinfo=UTC)
    assert record.created is not None
    assert abs(datetime.now(UTC) - record.created) < timedelta(minutes=5)


def test_a_key_can_stand_for_people_whom_a_front_end_names(path: Path, said: Any) -> None:
    options = ("--signed-user-header", "X-Jwt", "--signed-user-secret-env", "JWT_SECRET")
    _, err = said("add", "chat", "--all-workspaces", *options, "--trust-groups-header", "X-Groups")
    assert only(path).people == PeopleHeaders("X-Jwt", "JWT_SECRET", "X-Groups")
    assert "warning" not in err
    _, err = said("add", "portal", "--all-workspaces", "--trust-user-header", "X-User")
    assert "warning: whoever has this key can name anybody in X-User" in err


@pytest.mark.parametrize(
    ("options", "profiles", "models"),
    [
        ([], None, None),
        (["--profile", "hr"], {"hr"}, set()),
        (["--profile", "hr", "--any-model"], {"hr"}, None),
        (["--model", "m"], set(), {"m"}),
        (["--any-model"], set(), None),
    ],
)
def test_what_is_named_is_all_that_a_key_may_name(
    options: list[str],
    profiles: set[str] | None,
    models: set[str] | None,
    path: Path,
    said: Any,
) -> None:
    Path(".env").write_text('RAG_PROXY_PROFILES={"hr": {}}\n')
    said("add", "acme", "--all-workspaces", *options)
    grant = only(path).grant
    assert (grant.profiles, grant.models) == (profiles, models)


def test_a_key_without_workspaces_sees_none_and_that_is_said(path: Path, said: Any) -> None:
    _, err = said("add", "acme")
    assert only(path).grant.workspaces == frozenset()
    assert "rag-proxy: warning: acme sees no workspace, " in err


def test_a_key_for_metrics_alone_asks_no_model_and_needs_no_advice(path: Path, said: Any) -> None:
    _, err = said("add", "prometheus", "--metrics")
    nothing: frozenset[Any] = frozenset()
    assert only(path).grant == Grant(nothing, nothing, nothing, may_read_metrics=True)
    assert "prometheus opens workspaces: none; " in err
    assert "metrics: yes" in err
    assert "warning" not in err


@pytest.mark.parametrize("option", ["--any-model", "--retrieval=off"])
def test_a_key_for_metrics_may_ask_where_that_is_said(option: str, path: Path, said: Any) -> None:
    _, err = said("add", "both", "--metrics", option)
    assert only(path).grant.models is None
    assert "warning: both sees no workspace, " in err


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2127-01-31", "2127-01-31T00:00:00Z"),
        ("2127-01-31T18:00", "2127-01-31T18:00:00Z"),
        ("2127-01-31T18:00+01:00", "2127-01-31T17:00:00Z"),
    ],
)
def test_a_key_expires_at_the_beginning_of_a_day_or_at_a_time(
    text: str, expected: str, path: Path, said: Any
) -> None:
    said("add", "acme", "--expires", text)
    assert f"expires = {expected}\n" in path.read_text()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["a b"], "keys: a key's name must be 1 to 64 of the characters "),
        (["a", "--workspace", "1", "--all-workspaces"], "--workspace: names some, and --all-w"),
        (["a", "--model", "m", "--any-model"], "--model: names some, and --any-model all: "),
        (["a", "--retrieval", "on"], "keys.a.retrieval: must be a list with some of tool, "),
        (["a", "--retrieval", ""], "keys.a.retrieval: must be a list with some of tool, "),
        (["a", "--expires", "tomorrow"], "--expires: must be a date like 2027-01-31"),
        (["a", "--expires", ""], "--expires: must be a date like 2027-01-31"),
        (["a", "--expires", "9999-12-31T23:59-14:00"], "--expires: must be a date like 2027-01-31"),
        (["a", "--expires", "0001-01-01T00:00+14:00"], "--expires: must be a date like 2027-01-31"),
        (["a", "--expires", "2020-01-31"], "--expires: must be in the future"),
        (["a", "--lighton-key-env", "sk-x"], "keys.a.lighton_key_env: must be the name of an "),
        (["a", "--lighton-key-env", "RAG_PROXY_X"], "keys.a.lighton_key_env: must not begin with"),
        (["a", "--trust-user-header", "Cookie"], "keys.a.trust_user_header: must not be a header"),
        (["a", "--trust-groups-header", "X-G"], "keys.a.trust_groups_header: needs signed_user_"),
        (["a", "--signed-user-header", "X-J"], "keys.a.signed_user_secret_env: is missing"),
        (["a", "--rpm", "0"], "Invalid value for '--rpm'"),
        (["a", "--workspace", "hr"], "Invalid value for '--workspace'"),
        (["a", "--profile", "x"], "--profile: no profile is named x; there are: hr, legal"),
    ],
)
def test_a_slip_is_refused_and_nothing_is_written(
    arguments: list[str], problem: str, path: Path, refused: Any
) -> None:
    Path(".env").write_text('RAG_PROXY_PROFILES={"hr": {}, "legal": {}}\n')
    assert refused("add", *arguments).startswith(problem)
    assert not path.exists()


def test_without_valid_settings_a_file_that_is_named_will_do(path: Path, said: Any) -> None:
    Path(".env").write_text("RAG_PROXY_PROT=1\n")
    assert main(["keys", "add", "acme"]) == 2
    said("add", "acme", "--profile", "hr", "--keys-file", "other.toml")
    assert only(Path("other.toml")).name == "acme"
    assert not path.exists()


def test_without_a_key_file_the_command_says_how_to_name_one(
    path: Path, refused: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", clean_environment())
    for arguments in (["add", "a"], ["list"], ["show", "a"], ["revoke", "a"], ["rotate", "a"]):
        assert refused(*arguments).startswith("no key file is named: set RAG_PROXY_KEYS_FILE")
    assert not path.exists()


# list and show


def test_the_list_is_a_table(path: Path, said: Any) -> None:
    path.write_text(table("acme", more="workspaces = [42]\nconcurrent = 3"))
    out, err = said("list")
    assert out.splitlines() == [
        "NAME  WORKSPACES  PROFILES  MODELS  LIMITS        EXPIRES  CREATED",
        "acme  42          any       any     concurrent=3  never    unknown",
    ]
    assert err == ""


def test_the_list_is_json_for_programs(path: Path, said: Any) -> None:
    path.write_text(table("acme"))
    out, _ = said("list", "--json")
    assert [each["name"] for each in json.loads(out)] == ["acme"]
    out, _ = said("show", "acme", "--json")
    assert json.loads(out)["id"] == "k_acme"


def test_one_key_is_shown_in_full(path: Path, said: Any) -> None:
    path.write_text(table("acme", more="workspaces = [42]"))
    out, _ = said("show", "acme")
    assert "id           k_acme\nworkspaces   42\n" in out


def test_a_key_that_is_not_there_cannot_be_shown(path: Path, refused: Any) -> None:
    path.write_text(table("acme"))
    assert refused("show", "acne") == "keys.toml: no key is named acne; did you mean acme?"


# revoke and rotate


def test_a_revoked_key_opens_nothing(path: Path, said: Any) -> None:
    key = said("add", "acme")[0].strip()
    said("add", "other")
    out, err = said("revoke", "acme")
    assert (out, "warning" in err) == ("", False)
    with pytest.raises(Unauthorized):
        client_of(path, key)


def test_whoever_revokes_the_last_key_is_told_that_nobody_gets_in(path: Path, said: Any) -> None:
    said("add", "acme")
    _, err = said("revoke", "acme")
    assert "rag-proxy: warning: keys.toml holds no keys now: the proxy lets nobody in" in err
    assert read_keys(path) == ()


def test_a_name_that_was_revoked_is_another_key(path: Path, said: Any) -> None:
    first = client_of(path, said("add", "acme")[0].strip())
    said("revoke", "acme")
    second = client_of(path, said("add", "acme")[0].strip())
    assert first.name == second.name
    assert first.identity != second.identity


def test_a_rotated_key_has_two_secrets_for_a_day(path: Path, said: Any) -> None:
    old = said("add", "acme", "--workspace", "42")[0].strip()
    out, err = said("rotate", "acme")
    new = out.strip()
    assert re.fullmatch(KEY, new)
    assert re.search(r"^rag-proxy: acme: the old secret works until \d{4}-.* UTC; the new ", err)
    assert client_of(path, old) == client_of(path, new)
    (earlier,) = only(path).previous
    assert earlier.until is not None
    assert abs(earlier.until - datetime.now(UTC) - timedelta(days=1)) < timedelta(minutes=5)


def test_without_overlap_the_old_secret_is_over_at_once(path: Path, said: Any) -> None:
    old = said("add", "acme")[0].strip()
    out, err = said("rotate", "acme", "--overlap", "0")
    assert "the old secret opens nothing any more" in err
    assert client_of(path, out.strip()).name == "acme"
    with pytest.raises(Unauthorized):
        client_of(path, old)


@pytest.mark.parametrize(("overlap", "expected"), [("90s", 90), ("30m", 1800), ("7d", 604_800)])
def test_an_overlap_is_a_number_with_a_unit(
    overlap: str, expected: int, path: Path, said: Any
) -> None:
    said("add", "acme")
    said("rotate", "acme", "--overlap", overlap)
    (earlier,) = only(path).previous
    assert earlier.until is not None
    ahead = (earlier.until - datetime.now(UTC)).total_seconds()
    assert abs(ahead - expected) < 60


@pytest.mark.parametrize("overlap", ["", "1", "-1h", "1.5h", "24 h", "999999999d", "forever"])
def test_another_overlap_is_refused(overlap: str, path: Path, said: Any, refused: Any) -> None:
    said("add", "acme")
    before = path.read_text()
    assert refused("rotate", "acme", "--overlap", overlap).startswith("--overlap: must be like 24h")
    assert path.read_text() == before


def test_comments_by_hand_outlive_all_commands(path: Path, said: Any) -> None:
    path.write_text("# The company's keys.\n\n")
    said("add", "acme")
    path.write_text(path.read_text() + "# until the contract ends\n")
    said("add", "other")
    said("rotate", "acme")
    said("revoke", "other")
    text = path.read_text()
    assert "# The company's keys.\n" in text
    assert set(tomllib.loads(text)["keys"]) == {"acme"}
