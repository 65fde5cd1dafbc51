from __future__ import annotations

import asyncio
import logging
import math
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from proxy.access.key_file import KeyFile, read_keys
from proxy.errors import SettingsError
from tests.access.key_samples import OTHER, SECRET, sha256, table, write
from tests.support.steps import steps_of
from tests.upstreams.raw_server import PATIENCE_S


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "keys.toml"


@pytest.fixture(autouse=True)
def _heard(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "proxy.access")


def names(file: KeyFile) -> set[str]:
    return {each.client.name for each in file.held.values()}


def age(path: Path, seconds: float = 60) -> None:
    """Let the file be older than any clock's grain."""
    then = time.time() - seconds
    os.utime(path, (then, then))


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    told = [f"{each.levelname} {each.getMessage()}" for each in caplog.records]
    caplog.clear()
    return told


def test_each_secret_leads_to_its_key(path: Path) -> None:
    write(path, table("acme"), table("other", OTHER))
    held = KeyFile(path).held
    client = held[bytes.fromhex(sha256(SECRET))].client
    assert (client.name, client.id) == ("acme", "k_acme")
    assert client.grant.workspaces == frozenset()
    assert len(held) == 2


def test_a_secret_ends_when_the_key_or_the_secret_does_whichever_is_first(path: Path) -> None:
    until = "2026-11-27T00:00:00Z"
    write(
        path,
        table(
            more=f"expires = 2027-01-01\n"
            f'previous = [{{ sha256 = "{sha256(OTHER)}", until = {until} }}]'
        ),
        table("for-ever", "rp-for-ever"),
    )
    held = KeyFile(path).held
    assert held[bytes.fromhex(sha256(SECRET))].until == datetime(2027, 1, 1, tzinfo=UTC).timestamp()
    assert (
        held[bytes.fromhex(sha256(OTHER))].until == datetime(2026, 11, 27, tzinfo=UTC).timestamp()
    )
    assert held[bytes.fromhex(sha256("rp-for-ever"))].until == math.inf


def test_a_changed_file_is_read_again(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = KeyFile(write(path, table("acme")))
    assert lines(caplog) == [f"INFO {path}: read 1 client keys."]
    write(path, table("acme"), table("other", OTHER))
    file.look()
    assert names(file) == {"acme", "other"}
    assert lines(caplog) == [f"INFO {path}: read 2 client keys."]


def test_a_file_that_has_not_changed_is_not_read_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(path, table("acme"))
    age(path)
    file = KeyFile(path)
    monkeypatch.setattr(Path, "read_bytes", None)
    file.look()
    assert names(file) == {"acme"}


def test_a_second_change_within_the_clocks_grain_is_seen(path: Path) -> None:
    file = KeyFile(write(path, table("acme")), now=lambda: path.stat().st_mtime)
    before = path.stat()
    write(path, table("acmf"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    file._stamp = (before.st_mtime_ns, path.stat().st_ctime_ns, before.st_size, before.st_ino)
    file.look()
    assert names(file) == {"acmf"}


def test_a_broken_file_keeps_the_keys_and_is_one_error_line(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = KeyFile(write(path, table("acme")))
    lines(caplog)
    path.write_text(table("acme", more="metrics = 1"))
    for _ in range(3):
        file.look()
    assert names(file) == {"acme"}
    (line,) = lines(caplog)
    assert line.startswith(f"ERROR {path}: keys.acme.metrics: must be true or false. The keys ")
    assert line.endswith(" that were read before stay.")


def test_a_file_that_is_broken_from_the_start_lets_nobody_in(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_text("port = 1")
    assert KeyFile(path).held == {}
    (line,) = lines(caplog)
    assert line.startswith(f"ERROR {path}: port: no such table")
    assert line.endswith(". It lets nobody in.")


@pytest.mark.parametrize(
    "text",
    [
        f"port = {'1' * 5000}",
        f"port = {'[' * 5000}",
        "[keys]\n" * 2,
        "x = 2026-13-01",
        table(more="expires = 0001-01-01T00:00:00+14:00"),
        table(more="expires = 9999-12-31T23:59:59-14:00"),
    ],
)
def test_no_text_ends_the_watch(text: str, path: Path) -> None:
    KeyFile(path).look()
    path.write_text(text)
    KeyFile(path).look()


def test_another_fault_is_another_line_and_a_repaired_file_is_told(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = KeyFile(write(path, table("acme")))
    lines(caplog)
    for text in ("[keys", "port = 1", table("acme")):
        path.write_text(text)
        file.look()
    first, second, third = lines(caplog)
    assert first.startswith(f"ERROR {path}: not valid TOML (")
    assert second.startswith(f"ERROR {path}: port: no such table; ")
    assert third == f"INFO {path}: read 1 client keys."


@pytest.mark.parametrize("text", [None, "", "# no keys\n[keys]\n"])
def test_without_keys_a_file_is_one_error_line(
    text: str | None, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    if text is not None:
        path.write_text(text)
    file = KeyFile(path)
    file.look()
    fault = "does not exist" if text is None else "holds no keys"
    assert lines(caplog) == [
        f"ERROR {path}: {fault}. It lets nobody in. Make a key: rag-proxy keys add NAME"
    ]
    assert file.held == {}


def test_a_removed_file_holds_no_keys_any_more(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for is_old in (False, True):
        write(path, table("acme"))
        if is_old:
            age(path)
        file = KeyFile(path)
        lines(caplog)
        path.unlink()
        file.look()
        file.look()
        assert file.held == {}
        assert len(lines(caplog)) == 1


def test_a_file_that_comes_later_is_read(path: Path) -> None:
    file = KeyFile(path)
    write(path, table("acme"))
    file.look()
    assert names(file) == {"acme"}


@pytest.mark.parametrize("fault", ["folder", "bytes", "pipe"])
def test_what_cannot_be_read_keeps_the_keys(
    fault: str, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = KeyFile(write(path, table("acme")))
    lines(caplog)
    path.unlink()
    if fault == "folder":
        path.mkdir()
    elif fault == "pipe":  # whoever opens it would wait for a writer, perhaps for ever
        os.mkfifo(path)
    else:
        path.write_bytes(b"\xff")
    file.look()
    assert names(file) == {"acme"}
    (line,) = lines(caplog)
    assert line.startswith(f"ERROR {path}: cannot be read (")


def test_a_signal_reads_it_again_changed_or_not(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    heard = [0]
    write(path, table("acme"))
    age(path)
    file = KeyFile(path, hang_ups=lambda: heard[0])
    lines(caplog)
    heard[0] = 1
    file.look()
    file.look()
    assert lines(caplog) == [f"INFO {path}: read 1 client keys."]


def test_after_a_signal_a_fault_that_is_still_there_is_told_again(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    heard = [0]
    path.write_text("[keys")
    file = KeyFile(path, hang_ups=lambda: heard[0])
    heard[0] = 1
    file.look()
    assert len(lines(caplog)) == 2


async def test_it_keeps_looking_beside_other_work(path: Path) -> None:
    loop, has_found = asyncio.get_running_loop(), asyncio.Event()

    class Watched(KeyFile):
        def look(self) -> None:
            super().look()
            if self.held:
                loop.call_soon_threadsafe(has_found.set)

    watch = asyncio.ensure_future(Watched(path).keep_looking(0.001))
    write(path, table("acme"))
    await asyncio.wait_for(has_found.wait(), PATIENCE_S)
    watch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watch


def test_a_program_that_reads_the_file_once_hears_of_its_faults(path: Path) -> None:
    assert read_keys(path) == ()
    (record,) = read_keys(write(path, table("acme")))
    assert record.name == "acme"
    path.write_text("port = 1")
    with pytest.raises(SettingsError, match=r"keys\.toml: port: no such table"):
        read_keys(path)


def steps_to_read(path: Path, keys: int) -> int:
    more = 'workspaces = [1]\nprofiles = ["hr"]\nrequests_per_minute = 60\n'
    write(path, *(table(f"k{n}", f"rp-{n}", more) for n in range(keys)))

    def read() -> None:
        assert len(KeyFile(path).held) == keys

    return steps_of(read)


def test_a_file_of_many_keys_is_read_in_steps_that_grow_as_their_number(path: Path) -> None:
    assert steps_to_read(path, 2_000) < 11 * steps_to_read(path, 200)


def test_what_is_amiss_with_the_clients_of_a_file_is_a_line_of_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path / "keys.toml", table("acme"))
    file = KeyFile(path, faults=lambda clients: [f"{each.name} is odd" for each in clients])
    assert [each.getMessage() for each in caplog.records if each.levelname == "ERROR"] == [
        f"{path}: acme is odd"
    ]
    caplog.clear()
    file.look()
    assert not caplog.records
