from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from proxy.access.key_file import read_keys
from proxy.access.key_records import KeyRecord
from proxy.access.key_store import add_key, revoke_key, rotate_key
from proxy.errors import SettingsError
from tests.access.key_samples import OTHER, SECRET, sha256, table, write
from tests.support.program import running

NOW = datetime(2026, 11, 26, 7, 0, 0, 5, UTC)
DAY = timedelta(days=1)


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "keys.toml"


def values(key: str = SECRET, id: str = "k1", **more: Any) -> dict[str, Any]:
    return {"id": id, "sha256": sha256(key), **more}


def only(path: Path) -> KeyRecord:
    (record,) = read_keys(path)
    return record


def problem(caught: pytest.ExceptionInfo[SettingsError]) -> str:
    (said,) = caught.value.problems
    return said


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def rotate(path: Path, name: str) -> None:
    rotate_key(path, name, sha256(OTHER), now=NOW, until=NOW + DAY)


# Adding


def test_a_new_file_is_private_and_says_what_it_is(path: Path) -> None:
    add_key(path, "acme", values(workspaces=[42]))
    assert mode(path) == 0o600
    assert path.read_text().startswith("# Client keys of rag-proxy")
    assert only(path).grant.workspaces == frozenset({42})


def test_a_key_joins_those_that_are_there_and_comments_stay(path: Path) -> None:
    path.write_text(f"# by hand\n{table('other', OTHER)}")
    add_key(path, "acme", values())
    assert path.read_text().startswith(f"# by hand\n{table('other', OTHER)}")
    assert {each.name for each in read_keys(path)} == {"acme", "other"}


def test_a_name_is_given_only_once(path: Path) -> None:
    add_key(path, "acme", values())
    before = path.read_text()
    with pytest.raises(SettingsError) as caught:
        add_key(path, "acme", values(OTHER, "k2"))
    assert "there is a key named acme" in problem(caught)
    assert path.read_text() == before


@pytest.mark.parametrize(
    ("name", "more"), [("a b", {}), ("acme", {"concurrent": 0}), ("acme", {"x": 1})]
)
def test_what_would_be_invalid_is_not_written(path: Path, name: str, more: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        add_key(path, name, values(**more))
    assert not path.exists()


@pytest.mark.parametrize("text", ["[keys", "port = 1", "[keys.a]\nid = 'k'"])
def test_a_broken_file_is_not_touched(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(SettingsError, match=r"keys\.toml: "):
        add_key(path, "acme", values())
    assert path.read_text() == text


# Revoking


def test_a_revoked_key_is_gone_and_the_others_stay(path: Path) -> None:
    write(path, table("acme"), table("other", OTHER))
    revoke_key(path, "acme")
    assert only(path).name == "other"
    assert sha256(SECRET) not in path.read_text()


def test_the_last_key_can_be_revoked(path: Path) -> None:
    add_key(path, "acme", values())
    revoke_key(path, "acme")
    assert read_keys(path) == ()


@pytest.mark.parametrize("has_file", [True, False])
def test_a_key_that_does_not_exist_cannot_be_revoked_or_rotated(
    path: Path, *, has_file: bool
) -> None:
    if has_file:
        write(path, table("acme"))
    for work in (revoke_key, rotate):
        with pytest.raises(SettingsError) as caught:
            work(path, "acmee")
        hint = "; did you mean acme?" if has_file else ""
        assert problem(caught) == f"{path}: no key is named acmee{hint}"
    assert path.exists() is has_file


# Rotating


def test_the_old_secret_lasts_until_the_overlap_ends_and_the_id_for_ever(path: Path) -> None:
    add_key(path, "acme", values(workspaces=[42], concurrent=3))
    before = only(path)
    rotate_key(path, "acme", sha256(OTHER), now=NOW, until=NOW + DAY)
    after = only(path)
    assert (after.id, after.grant) == (before.id, before.grant)
    assert after.secret.sha256 == bytes.fromhex(sha256(OTHER))
    (old,) = after.previous
    assert old.sha256 == before.secret.sha256
    assert old.until == datetime(2026, 11, 27, 7, tzinfo=UTC)


def test_without_an_overlap_only_the_new_secret_opens_the_key(path: Path) -> None:
    add_key(path, "acme", values())
    rotate_key(path, "acme", sha256("rp-2"), now=NOW, until=NOW + DAY)
    rotate_key(path, "acme", sha256("rp-3"), now=NOW, until=NOW)
    assert only(path).previous == ()
    assert "previous" not in path.read_text()


def test_a_secret_before_the_old_one_lasts_no_longer_than_it_did(path: Path) -> None:
    add_key(path, "acme", values())
    rotate_key(path, "acme", sha256("rp-2"), now=NOW, until=NOW + DAY)
    rotate_key(path, "acme", sha256("rp-3"), now=NOW, until=NOW + 2 * DAY)
    ends = {each.sha256.hex(): each.until for each in only(path).previous}
    assert ends == {
        sha256("rp-2"): (NOW + 2 * DAY).replace(microsecond=0),
        sha256(SECRET): (NOW + DAY).replace(microsecond=0),
    }
    rotate_key(path, "acme", sha256("rp-4"), now=NOW + 1.5 * DAY, until=NOW + 3 * DAY)
    assert {each.sha256.hex() for each in only(path).previous} == {sha256("rp-2"), sha256("rp-3")}


def test_a_key_that_has_expired_gets_no_new_secret(path: Path) -> None:
    write(path, table("acme", more="expires = 2026-11-26"))
    before = path.read_text()
    with pytest.raises(SettingsError, match="acme has expired, and so would its new secret"):
        rotate_key(path, "acme", sha256(OTHER), now=NOW, until=NOW + DAY)
    assert path.read_text() == before


# The file itself


@pytest.mark.parametrize(
    "text",
    [
        f'keys = {{ acme = {{ id = "k", sha256 = "{sha256(SECRET)}" }} }}\n',
        f'keys.acme.id = "k"\nkeys.acme.sha256 = "{sha256(SECRET)}"\n',
        f'[keys]\nacme.id = "k"\nacme.sha256 = "{sha256(SECRET)}"\n',
        f'["keys".acme]\n{table().partition("]")[2]}',
    ],
)
def test_a_form_that_it_cannot_change_is_left_to_a_person(path: Path, text: str) -> None:
    path.write_text(text)
    assert only(path).name == "acme"
    for work in (revoke_key, rotate):
        with pytest.raises(SettingsError, match="written in a form that this command cannot"):
            work(path, "acme")
    assert path.read_text() == text


@pytest.mark.parametrize(("before", "after"), [(0o640, 0o640), (0o666, 0o640), (0o400, 0o600)])
def test_a_group_that_may_read_the_file_still_may_and_others_may_not(
    path: Path, before: int, after: int
) -> None:
    write(path, table("acme")).chmod(before)
    add_key(path, "other", values(OTHER))
    assert mode(path) == after


def test_a_symbolic_link_stays_one(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    path.symlink_to(folder / "keys.toml")
    add_key(path, "acme", values())
    assert path.is_symlink()
    assert only(folder / "keys.toml").name == "acme"


def test_a_folder_that_is_not_there_is_an_error_that_says_so(tmp_path: Path) -> None:
    path = tmp_path / "none" / "keys.toml"
    with pytest.raises(SettingsError) as caught:
        add_key(path, "acme", values())
    assert problem(caught) == f"{path}: cannot be written (No such file or directory)"


def test_a_write_that_fails_leaves_the_file_as_it_was_and_nothing_beside_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(path, table("acme"))

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SettingsError, match=r"cannot be written \(No space left on device\)"):
        revoke_key(path, "acme")
    assert only(path).name == "acme"
    assert {each.name for each in path.parent.iterdir()} == {"keys.toml", "keys.toml.lock"}


def test_while_another_command_writes_it_waits(path: Path) -> None:
    """Two programs that add keys at the same time add both."""
    lock = path.with_name("keys.toml.lock")
    code = (
        "import fcntl, sys; from pathlib import Path; from proxy.access.key_store import add_key;"
        "lock = fcntl.flock;"
        "fcntl.flock = lambda *given: (print('waiting', flush=True), lock(*given));"
        f"add_key(Path(sys.argv[1]), 'theirs', {{'id': 'k2', 'sha256': {sha256(OTHER)!r}}})"
    )
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        command = [sys.executable, "-c", code, str(path)]
        with running(command, stdout=subprocess.PIPE) as other:
            assert other.stdout is not None
            assert other.stdout.readline().strip() == "waiting"
            write(path, table("ours"))
            assert other.poll() is None
            fcntl.flock(held, fcntl.LOCK_UN)
            assert other.wait(120) == 0
    assert set(tomllib.loads(path.read_text())["keys"]) == {"ours", "theirs"}


def test_the_file_that_takes_the_place_of_another_is_made_beside_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_key(path, "acme", values())
    made = []
    real = Path.replace

    def replace(beside: Path, target: Path) -> Path:
        made.append(beside)
        return real(beside, target)

    monkeypatch.setattr(Path, "replace", replace)
    rotate(path, "acme")
    (beside,) = made
    assert beside.parent == path.parent
    assert beside.name.startswith(".keys.toml.")


def test_line_breaks_and_letters_stay_as_they_are(path: Path) -> None:
    path.write_bytes(f"# Schl\u00fcssel\r\n{table('other', OTHER)}".encode())
    add_key(path, "acme", values())
    assert path.read_bytes().startswith("# Schl\u00fcssel\r\n".encode())


def test_a_key_that_expires_now_cannot_be_rotated(path: Path) -> None:
    add_key(path, "acme", values(expires=NOW.replace(microsecond=0)))
    with pytest.raises(SettingsError, match="acme has expired") as caught:
        rotate_key(path, "acme", sha256(OTHER), now=NOW.replace(microsecond=0), until=NOW + DAY)
    assert problem(caught).endswith("in the file, or revoke the key and make another")


def test_a_secret_that_ends_now_is_not_kept(path: Path) -> None:
    add_key(path, "acme", values())
    now = NOW.replace(microsecond=0)
    rotate_key(path, "acme", sha256(OTHER), now=now, until=now)
    assert only(path).previous == ()


def test_what_the_commands_cannot_change_is_told_by_its_name(path: Path) -> None:
    path.write_text(f'keys = {{ acme = {{ id = "k1", sha256 = "{sha256(SECRET)}" }} }}\n')
    changes: tuple[Callable[[], None], ...] = (
        lambda: add_key(path, "other", values(OTHER, "k2")),
        lambda: rotate(path, "acme"),
        lambda: revoke_key(path, "acme"),
    )
    for change in changes:
        with pytest.raises(SettingsError, match=r"\[keys\.(other|acme)\] is written in") as caught:
            change()
        assert problem(caught).endswith("change it in an editor")
