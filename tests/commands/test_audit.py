"""`rag-proxy audit verify`: what it prints, and what it says of files that are not whole."""

from __future__ import annotations

import gzip
import os
import threading
from pathlib import Path

import pytest

from proxy.cli import main
from proxy.telemetry.audit_chain import hash_of
from proxy.telemetry.audit_file import locked, open_audit
from tests.telemetry.audit_samples import chain

LINES = chain(6)
SUMMARY = (
    "6 lines, numbers 1 to 6, from 2026-11-26T07:30:01.000Z to 2026-11-26T07:30:06.000Z; the last "
    f"line's hash is {hash_of(LINES[5])}\n"
)
Printed = pytest.CaptureFixture[str]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = Path("audit.jsonl")
    monkeypatch.setenv("RAG_PROXY_AUDIT_FILE", str(path))
    return path


def put(path: Path, lines: list[bytes]) -> Path:
    content = b"".join(lines)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def printed(capsys: Printed, *arguments: str | Path, code: int = 0) -> str:
    assert main(["audit", "verify", *map(str, arguments)]) == code
    shown = capsys.readouterr()
    assert shown.err == ""
    return shown.out


def test_a_whole_file_is_ok_and_the_hash_to_note_is_printed(path: Path, capsys: Printed) -> None:
    put(path, LINES)
    assert printed(capsys) == f"ok      {SUMMARY}"
    assert printed(capsys, path) == f"ok      {SUMMARY}"


def test_what_logrotate_has_made_of_the_file_is_read_in_the_order_of_its_lines(
    path: Path, capsys: Printed
) -> None:
    put(Path("audit.jsonl.2.gz"), LINES[:2])
    put(Path("audit.jsonl.1"), LINES[2:5])
    put(path, LINES[5:])
    assert printed(capsys) == f"ok      {SUMMARY}"
    names = ("audit.jsonl", "audit.jsonl.1", "audit.jsonl.2.gz")
    assert printed(capsys, *names) == f"ok      {SUMMARY}"
    put(path, [])
    assert printed(capsys).startswith("ok      5 lines, ")


def test_before_the_first_line_after_logrotate_the_file_may_be_missing(
    path: Path, capsys: Printed
) -> None:
    put(Path("audit.jsonl.1"), LINES)
    note = "skipped audit.jsonl is not there: no line has come since it was moved away\n"
    assert printed(capsys) == f"{note}ok      {SUMMARY}"
    assert "audit.jsonl cannot be read" in printed(capsys, path, code=1)


def test_files_whose_chains_do_not_meet_are_told_of(path: Path, capsys: Printed) -> None:
    put(Path("audit.jsonl.1"), LINES[:2])
    put(path, LINES[3:])
    first, last = printed(capsys, code=1).splitlines()
    assert first == "FAIL    audit.jsonl, line 1: number 3 is missing before it"
    assert last.startswith("FAIL    5 lines, numbers 1 to 6, ")


def test_a_change_is_told_with_its_place(path: Path, capsys: Printed) -> None:
    put(path, [LINES[0], LINES[1].replace(b"07:30", b"07:31"), *LINES[2:]])
    first, _ = printed(capsys, code=1).splitlines()
    assert first == (
        "FAIL    audit.jsonl, line 3: it does not follow from number 2: one of them was changed"
    )


def test_an_end_that_was_cut_off_is_shown_by_a_hash_that_was_noted(
    path: Path, capsys: Printed
) -> None:
    noted = hash_of(LINES[3])
    put(path, LINES)
    assert printed(capsys, "--holds", noted, "--holds", hash_of(LINES[0]).upper()).startswith("ok ")
    put(path, LINES[:3])
    assert printed(capsys).startswith("ok ")
    first, _ = printed(capsys, "--holds", noted, code=1).splitlines()
    assert first == f"FAIL    no line has the hash {noted}: it was changed, or the end was cut off"


def test_a_beginning_that_was_deleted_on_purpose_needs_its_last_hash(
    path: Path, capsys: Printed
) -> None:
    put(path, LINES[2:])
    assert "line 1: numbers 1 to 2 are missing before it" in printed(capsys, code=1)
    assert printed(capsys, "--after", hash_of(LINES[1])).startswith("ok      4 lines, numbers 3 to")
    wrong = printed(capsys, "--after", hash_of(LINES[0]), code=1)
    assert "line 1: it does not follow from the hash of --after" in wrong


def test_only_so_many_faults_are_shown(path: Path, capsys: Printed) -> None:
    path.write_bytes(os.urandom(5_000).replace(b"\n", b"") + b"\n" * 50)
    shown = printed(capsys, code=1).splitlines()
    assert len(shown) == 22
    assert shown[20] == "FAIL    30 more faults"


def test_a_file_without_lines_and_one_that_cannot_be_read_are_no_success(
    path: Path, capsys: Printed
) -> None:
    put(path, [])
    assert printed(capsys, code=1) == "FAIL    there are no lines\n"
    os.mkfifo("pipe")
    put(path, LINES)
    Path("broken.gz").write_bytes(gzip.compress(b"".join(LINES))[:60])
    for name, why in (
        ("none", "No such file or directory"),
        ("pipe", "it is no regular file"),
        ("broken.gz", "Compressed file ended before the end-of-stream marker was reached"),
    ):
        assert f"FAIL    {name} cannot be read: {why}\n" in printed(capsys, path, name, code=1)


def test_a_proxy_may_go_on_writing_while_its_file_is_read(path: Path, capsys: Printed) -> None:
    put(path, LINES)
    with path.open("ab") as proxy:
        proxy.write(b'{"n":7')
        assert printed(capsys).startswith("ok ")
    assert "line 7: it is cut off\n" in printed(capsys, code=1)


def test_a_write_that_is_not_over_is_waited_for(path: Path, capsys: Printed) -> None:
    put(path, LINES[:5])
    proxy = open_audit(path)
    verifying = threading.Thread(target=main, args=(["audit", "verify"],))
    with locked(proxy):
        os.write(proxy, LINES[5][:20])
        verifying.start()
        verifying.join(0.2)
        os.write(proxy, LINES[5][20:])
    verifying.join(60)
    os.close(proxy)
    assert capsys.readouterr().out == f"ok      {SUMMARY}"


@pytest.mark.usefixtures("path")
def test_a_name_that_would_move_the_cursor_is_shown_escaped(capsys: Printed) -> None:
    put(Path("a\x1b.jsonl"), LINES[1:])
    assert "FAIL    'a\\x1b.jsonl', line 1: " in printed(capsys, "a\x1b.jsonl", code=1)


def test_without_a_file_the_setting_is_named(
    path: Path, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    del path
    monkeypatch.delenv("RAG_PROXY_AUDIT_FILE")
    assert main(["audit", "verify"]) != 0
    assert "RAG_PROXY_AUDIT_FILE is not set: set it, or name a FILE" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["abc", "g" * 64, ""])
def test_a_hash_that_is_none_is_refused(text: str, path: Path, capsys: Printed) -> None:
    put(path, LINES)
    assert main(["audit", "verify", "--holds", text]) == 2
    assert "64 hexadecimal digits" in capsys.readouterr().err
