from __future__ import annotations

import gzip
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import orjson
import pytest

from proxy.telemetry.audit_chain import read_link
from proxy.telemetry.audit_file import AuditFile, locked, open_audit
from tests.telemetry.audit_samples import faults, record


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def write(file: AuditFile, count: int) -> None:
    for number in range(count):
        file.append(record(number))
    file.settle(60)


def lines(*paths: Path) -> list[bytes]:
    return [line for each in paths for line in each.read_bytes().splitlines(keepends=True)]


def events(path: Path) -> list[object]:
    return [orjson.loads(each).get("event") for each in lines(path) if read_link(each)]


def moved(path: Path, ending: str) -> Path:
    return path.rename(f"{path}{ending}")


def test_records_become_a_chain_and_a_restart_continues_it(path: Path) -> None:
    for count in (3, 1, 150):
        file = AuditFile(path)
        write(file, count)
        file.close(60)
    assert not faults(path)
    assert len(lines(path)) == 154
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_writers_continue_each_other(path: Path) -> None:
    one, two = AuditFile(path), AuditFile(path)
    for file in (one, two, two, one, two):
        write(file, 2)
    assert not faults(path)
    assert len(lines(path)) == 10
    one.close(60)
    two.close(60)


def test_a_file_that_was_moved_away_is_continued_in_a_new_one(path: Path) -> None:
    one, two = AuditFile(path), AuditFile(path)
    write(one, 2)
    write(two, 2)
    first = moved(path, ".2")
    write(two, 1)
    second = moved(path, ".1")
    path.touch()  # as logrotate's `create` does
    write(one, 2)
    assert [len(lines(each)) for each in (first, second, path)] == [4, 1, 2]
    assert not faults(first, second, path)
    one.close(60)
    two.close(60)


def test_a_file_that_was_moved_to_another_folder_is_continued_too(path: Path) -> None:
    one, two = AuditFile(path), AuditFile(path)
    write(one, 2)
    write(two, 2)
    (path.parent / "old").mkdir()
    old = path.rename(path.parent / "old" / path.name)
    write(one, 2)
    write(two, 1)
    assert not faults(old, path)
    one.close(60)
    two.close(60)


@pytest.mark.parametrize("packed", [False, True])
def test_a_restart_continues_what_was_moved_away_before(path: Path, *, packed: bool) -> None:
    for ending in (".2", ".1"):
        file = AuditFile(path)
        write(file, 3)
        file.close(60)
        old = moved(path, ending)
    os.utime(f"{path}.2", (1, 1))
    whole = lines(old)
    if packed:
        with gzip.open(f"{old}.gz", "wb") as out:
            out.writelines(whole)
        old.unlink()
    file = AuditFile(path)
    write(file, 1)
    file.close(60)
    assert not faults(Path(f"{path}.2"), whole, path)


def test_a_file_that_was_emptied_goes_on_with_the_number_it_had(path: Path) -> None:
    file = AuditFile(path)
    write(file, 3)
    before = lines(path)
    os.truncate(path, 0)
    write(file, 1)
    assert not faults(before, path)
    file.close(60)


def test_a_line_that_a_crash_cut_off_is_closed_and_told_of(path: Path) -> None:
    file = AuditFile(path)
    write(file, 3)
    file.close(60)
    os.truncate(path, path.stat().st_size - 20)
    file = AuditFile(path)
    write(file, 2)
    file.close(60)
    assert faults(path) == ["file1:3 it is cut off, or no line of an audit"]
    assert events(path) == [None, None, "cut_off", None, None]


def test_a_line_that_is_cut_off_while_the_file_is_open_is_found_too(path: Path) -> None:
    file = AuditFile(path)
    write(file, 2)
    with path.open("ab") as other:
        other.write(b'{"n":3,"prev')
    write(file, 1)
    assert faults(path) == ["file1:3 it is cut off, or no line of an audit"]
    file.close(60)


def test_a_first_line_that_was_cut_off_counts_as_one(path: Path) -> None:
    path.write_bytes(b'{"n":1,"previous"')
    file = AuditFile(path)
    write(file, 1)
    file.close(60)
    assert faults(path) == ["file1:1 it is cut off, or no line of an audit"]


def test_closing_leaves_no_descriptor_and_a_later_line_opens_it_again(path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    file = AuditFile(path)
    write(file, 100)
    moved(path, ".1")
    write(file, 1)
    file.close(60)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    write(file, 1)
    file.close(60)
    assert not faults(Path(f"{path}.1"), path)


def test_what_is_no_regular_file_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/null"), Path("/dev/full")):
        with pytest.raises(OSError, match="no regular file"):
            open_audit(path)
    with pytest.raises(IsADirectoryError):
        open_audit(tmp_path)


def test_lines_that_a_folder_did_not_take_are_counted_by_a_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "none" / "audit.jsonl"
    file = AuditFile(path)
    write(file, 3)
    write(file, 2)
    assert [each.levelname for each in caplog.records] == ["ERROR"]
    assert "The audit file" in caplog.messages[0]
    assert "takes no lines: No such file or directory" in caplog.messages[0]
    path.parent.mkdir()
    write(file, 2)
    assert faults(path) == ["file1:1 the proxy could not write 5 of the lines before it"]
    assert events(path) == ["lost", None, None]
    assert "takes lines again: 5 were lost" in caplog.messages[1]
    write(file, 1)
    assert events(path) == ["lost", None, None, None]
    file.close(60)


def test_lines_that_are_lost_last_are_counted_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "none" / "audit.jsonl"
    file = AuditFile(path)
    write(file, 3)
    path.parent.mkdir()
    file.close(60)
    assert events(path) == ["lost"]


def test_nothing_is_written_while_another_holds_the_lock(path: Path) -> None:
    file = AuditFile(path)
    held = open_audit(path)
    with locked(held):
        file.append(record(1))
        file.settle(0.1)
        assert not path.read_bytes()
    file.settle(60)
    assert len(lines(path)) == 1
    file.close(60)
    os.close(held)


def test_a_lock_that_is_held_for_long_costs_lines_and_never_waits(path: Path) -> None:
    file = AuditFile(path, most_waiting=5)
    held = open_audit(path)
    with locked(held):
        for number in range(20):
            file.append(record(number))
    file.settle(60)
    file.close(60)
    os.close(held)
    kept = [each for each in lines(path) if b"request_id" in each]
    assert 5 <= len(kept) <= 6
    assert faults(path) == [
        f"file1:{1 + len(lines(path)) - (1 + len(kept)) + place} the proxy could not write "
        f"{20 - len(kept)} of the lines before it"
        for place, each in enumerate(events(path))
        if each == "lost"
    ]


def run(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(  # noqa: S603 - our own program
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def log_of(writer: subprocess.Popen[str]) -> str:
    """What it wrote to stderr. It must end well."""
    _, log = writer.communicate(timeout=120)
    assert writer.returncode == 0, log
    return log


def test_a_full_disk_leaves_whole_lines_and_the_chain_goes_on(path: Path) -> None:
    code = """
import logging, resource, signal, sys
from pathlib import Path
from proxy.telemetry.audit_file import AuditFile
logging.basicConfig(format="%(levelname)s %(message)s")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
before = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (500, before[1]))
path = Path(sys.argv[1])
file = AuditFile(path)
for number in range(10):
    file.append(b'{"request_id":%d}' % number)
file.settle(60)
note = b'{"n":1,"previous":"","time":"2026-11-26T07:30:01.000Z","event":"lost","lines":1}\\n'
room = len(note) + 64
resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + room + 20, before[1]))
file.append(b'{"request_id":10}')
file.settle(60)
resource.setrlimit(resource.RLIMIT_FSIZE, before)
file.append(b'{"request_id":11}'), file.close(60)
"""
    writer = run(code, path)
    log = [line.partition(" ")[0] for line in log_of(writer).splitlines()]
    assert log == ["ERROR", "WARNING"]
    kept = [orjson.loads(line).get("request_id") for line in lines(path)]
    whole = len(kept) - 3
    assert 1 < whole < 10
    assert kept == [*range(whole), None, None, 11]
    told = "the proxy could not write {} of the lines before it"
    assert faults(path) == [
        f"file1:{whole + 1} {told.format(10 - whole)}",
        f"file1:{whole + 2} {told.format(1)}",
    ]


WRITER = """
import sys
from pathlib import Path
from proxy.telemetry.audit_file import AuditFile
file = AuditFile(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for number in range(600):
    file.append(b'{"from":"%b","text":"%b"}' % (sys.argv[2].encode(), b"x" * (number % 700)))
    file.settle(60)
file.close(60)
"""


def test_processes_that_write_at_once_make_one_chain_also_across_rotations(path: Path) -> None:
    writers = [run(WRITER, path, name) for name in "abc"]
    for each in writers:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    rotated: list[Path] = []
    ended = threading.Event()

    def rotate() -> None:
        while not ended.wait(0.003):
            if path.exists() and path.stat().st_size and len(rotated) < 200:
                rotated.append(moved(path, f".{len(rotated) + 1}"))

    rotation = threading.Thread(target=rotate)
    rotation.start()
    for each in writers:
        assert each.stdin is not None
        each.stdin.write("begin\n")
        each.stdin.flush()
    try:
        assert [log_of(each) for each in writers] == ["", "", ""]
    finally:
        ended.set()
        rotation.join()
    assert rotated
    files = [each for each in [*rotated, path] if each.exists()]
    assert not faults(*files)
    found = [orjson.loads(each)["from"] for each in lines(*files)]
    assert {name: found.count(name) for name in "abc"} == dict.fromkeys("abc", 600)
