from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest

from proxy.telemetry.prices import Prices
from proxy.telemetry.usage_file import Usage, UsageFile, open_to_append
from proxy.telemetry.usage_record import UsageRecords
from tests.telemetry.samples import request_facts

FULL = Path("/dev/full")


@pytest.fixture
def file(tmp_path: Path) -> UsageFile:
    return UsageFile(tmp_path / "usage.jsonl")


def written(file: UsageFile, *lines: bytes) -> bytes:
    for line in lines:
        file.append(line)
    file.settle(60)
    return file.path.read_bytes()


def test_lines_are_appended_in_order_to_what_is_there(file: UsageFile) -> None:
    file.path.write_bytes(b"before\n")
    assert written(file, b"one\n", b"two\n") == b"before\none\ntwo\n"


def test_a_new_file_is_for_its_owner_alone(file: UsageFile) -> None:
    written(file, b"one\n")
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_a_file_that_was_moved_away_is_followed_by_a_new_one(file: UsageFile) -> None:
    written(file, b"one\n")
    rotated = file.path.rename(file.path.with_suffix(".1"))
    assert written(file, b"two\n") == b"two\n"
    replacement = file.path.with_suffix(".new")
    replacement.write_bytes(b"made by logrotate\n")
    replacement.rename(file.path)
    assert written(file, b"three\n") == b"made by logrotate\nthree\n"
    assert rotated.read_bytes() == b"one\n"


def test_a_file_that_was_emptied_is_filled_from_its_beginning(file: UsageFile) -> None:
    written(file, b"one\n")
    os.truncate(file.path, 0)
    assert written(file, b"two\n") == b"two\n"


def test_closing_writes_what_waits_and_leaves_no_descriptor(file: UsageFile) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(100):
        file.append(b"line\n")
    file.close(60)
    assert file.path.read_bytes() == b"line\n" * 100
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert written(file, b"again\n").endswith(b"again\n")
    file.close(60)


def test_a_file_that_nobody_uses_has_no_thread_and_does_not_exist(file: UsageFile) -> None:
    before = threading.active_count()
    file.settle(60)
    file.close(60)
    assert threading.active_count() == before
    assert not file.path.exists()


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk_is_one_error_line_and_told_of_when_it_is_over(
    file: UsageFile, caplog: pytest.LogCaptureFixture
) -> None:
    file.path.symlink_to(FULL)
    for _ in range(3):
        file.append(b"lost\n")
    file.settle(60)
    assert [each.levelname for each in caplog.records] == ["ERROR"]
    assert "takes no lines: No space left on device" in caplog.messages[0]
    file.path.unlink()
    assert written(file, b"kept\n", b"kept\n") == b"kept\nkept\n"
    assert [each.levelname for each in caplog.records] == ["ERROR", "WARNING"]
    assert "takes lines again: 3 were lost" in caplog.messages[1]
    file.path.unlink()
    file.path.symlink_to(FULL)
    file.append(b"lost\n")
    file.settle(60)
    assert [each.levelname for each in caplog.records] == ["ERROR", "WARNING", "ERROR"]


def test_a_folder_that_is_not_there_loses_lines_but_raises_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = UsageFile(tmp_path / "none" / "usage.jsonl")
    file.append(b"lost\n")
    file.settle(60)
    assert "No such file or directory" in caplog.messages[0]
    file.path.parent.mkdir()
    assert written(file, b"kept\n") == b"kept\n"


def test_a_disk_that_hangs_costs_lines_and_never_waits(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A pipe that nobody reads stands for the disk: opening it waits."""
    file = UsageFile(tmp_path / "pipe", most_waiting=5)
    os.mkfifo(file.path)
    for _ in range(20):
        file.append(b"line\n")
    assert [each.levelname for each in caplog.records] == ["ERROR"]
    assert "too slow" in caplog.messages[0]
    with file.path.open("rb", buffering=0) as reader:
        file.settle(60)
        kept = reader.read(1000).count(b"\n")
        assert 5 <= kept <= 6
        assert f"{20 - kept} were lost" in caplog.messages[1]
        file.close(60)


def test_a_line_that_is_cut_by_a_full_disk_counts_as_lost(tmp_path: Path) -> None:
    path = tmp_path / "usage.jsonl"
    code = f"""
import resource, signal, logging
from pathlib import Path
from proxy.telemetry.usage_file import UsageFile
logging.basicConfig(format="%(levelname)s %(message)s")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
before = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (7, before[1]))
file = UsageFile(Path({str(path)!r}))
file.append(b"0123\\n"), file.append(b"5678\\n"), file.settle(60)
resource.setrlimit(resource.RLIMIT_FSIZE, before)
file.append(b"last\\n"), file.close(60)
"""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert path.read_bytes() == b"0123\n56last\n"
    assert [line.partition(" ")[0] for line in done.stderr.splitlines()] == ["ERROR", "WARNING"]
    assert "1 were lost" in done.stderr


def test_processes_that_write_at_once_cut_no_line(tmp_path: Path) -> None:
    path = tmp_path / "usage.jsonl"
    code = """
import sys
from pathlib import Path
from proxy.telemetry.usage_file import UsageFile
file = UsageFile(Path(sys.argv[1]))
for number in range(2000):
    file.append(b'{"n":%d,"from":"%b"}\\n' % (number, sys.argv[2].encode() * 300))
file.close(60)
"""
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(path), name])  # noqa: S603 - our own program
        for name in "abc"
    ]
    assert [each.wait(120) for each in writers] == [0, 0, 0]
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    for name in "abc":
        own = [each["n"] for each in lines if each["from"] == name * 300]
        assert own == list(range(2000))


def test_a_file_that_cannot_be_opened_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        open_to_append(tmp_path)


def test_usage_notes_a_request_with_the_time_of_now(file: UsageFile) -> None:
    usage = Usage(file, UsageRecords(Prices(), {}, "m"))
    usage.note(request_facts(request_id="id7"))
    file.settle(60)
    assert b'"request_id":"id7"' in file.path.read_bytes()
    file.close(60)


def test_lines_that_come_while_the_thread_rests_share_a_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.telemetry.line_writer._REST_S", 60)

    class Counted(UsageFile):
        writes = 0
        has_written = threading.Event()

        def _write(self, lines: Sequence[bytes]) -> None:
            super()._write(lines)
            self.writes += 1
            self.has_written.set()

    file = Counted(tmp_path / "usage.jsonl")
    file.append(b"line\n")
    assert file.has_written.wait(60)
    for _ in range(29):
        file.append(b"line\n")
    assert written(file) == b"line\n" * 30
    assert file.writes == 2
    file.close(60)
