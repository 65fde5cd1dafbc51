"""`rag-proxy usage`: what it prints, and what it says of files that it cannot read."""

from __future__ import annotations

import csv
import gzip
import io
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.access.clients import Person
from proxy.cli import main
from tests.telemetry.usage_samples import ACME, BOLT, PEOPLE, failed_line, usage_line

GIVEN = replace(PEOPLE, as_given=True)
ANN = replace(ACME, person=Person("ann"))
LINES = (
    usage_line("2026-11-24"),
    usage_line("2026-11-25", ANN, GIVEN, prompt_tokens=5_000, tokens=5_020, cached_tokens=4_000),
    usage_line("2026-11-26", BOLT, model="other", answered_by="qwen", searches=0),
    failed_line("2026-11-26", BOLT),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "usage.jsonl"
    path.write_bytes(b"".join(LINES))
    return path


Printed = pytest.CaptureFixture[str]


def printed(capsys: Printed, *arguments: str | Path, code: int = 0, err: str = "") -> str:
    assert main(["usage", *map(str, arguments)]) == code
    shown = capsys.readouterr()
    assert shown.err == err
    return shown.out


def test_keys_are_shown_with_totals_the_one_that_used_most_first(
    file: Path, capsys: Printed
) -> None:
    assert printed(capsys, "--usage-file", file) == (
        "key    answers  failed  tokens in  tokens out  tokens cached  searches      EUR\n"
        "acme         2       0      5,100          40          4,000         2   0.0232\n"
        "bolt         2       1        100          20              0         0  ≥0.0000\n"
        "total        4       1      5,200          60          4,000         2  ≥0.0232\n"
        "≥: 1 of the answers have no price in full. See `prices`.\n"
    )


def test_rounds_that_nobody_counted_are_told_of(file: Path, capsys: Printed) -> None:
    file.write_bytes(usage_line(uncounted_rounds=2) + usage_line(uncounted_rounds=1))
    last = printed(capsys, "--usage-file", file).splitlines()[-1]
    assert last == "Rounds that broke off, whose tokens nobody counted: 3."


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("key", ["acme", "bolt", "total"]),
        ("person", ["ann", "(no person)", "total"]),
        ("profile", ["hr", "(none)", "total"]),
        ("model", ["llama", "qwen", "(no answer)", "total"]),
        ("day", ["2026-11-24", "2026-11-25", "2026-11-26", "total"]),
    ],
)
def test_answers_are_counted_by(by: str, names: list[str], file: Path, capsys: Printed) -> None:
    rows = printed(capsys, "--by", by, "--usage-file", file).splitlines()[1:-1]
    assert [row.split("  ")[0] for row in rows] == names


def test_days_can_be_chosen(file: Path, capsys: Printed) -> None:
    days = ("--since", "2026-11-25", "--until", "2026-11-25")
    rows = printed(capsys, "--by", "day", *days, "--usage-file", file).splitlines()
    assert [row.split()[0] for row in rows[1:]] == ["2026-11-25", "total"]


def test_csv_has_every_count_and_no_cost_that_is_not_known(file: Path, capsys: Printed) -> None:
    rows = list(csv.DictReader(io.StringIO(printed(capsys, "--csv", "--usage-file", file))))
    assert [row["key"] for row in rows] == ["acme", "bolt", "total"]
    assert (rows[0]["tokens_in"], rows[0]["cost"]) == ("5100", "0.02318")
    assert (rows[1]["cost"], rows[1]["known_cost"], rows[1]["unpriced"]) == ("", "0.0", "1")


def test_several_files_are_one_also_gzipped_ones(file: Path, capsys: Printed) -> None:
    rotated = file.with_name("usage.jsonl.2.gz")
    rotated.write_bytes(gzip.compress(usage_line(client=ACME)))
    names = ("--usage-file", str(rotated), "--usage-file", str(file))
    assert "\nacme         3  " in printed(capsys, *names)


def test_the_file_of_the_settings_is_read_with_what_logrotate_has_made_of_it(
    file: Path, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(f"{file}.1").write_bytes(usage_line(client=ACME))
    monkeypatch.setenv("RAG_PROXY_USAGE_FILE", str(file))
    assert "\nacme         3  " in printed(capsys)


def test_without_any_file_the_setting_is_named(
    capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAG_PROXY_USAGE_FILE", raising=False)
    err = "rag-proxy: RAG_PROXY_USAGE_FILE is not set: set it, or name a --usage-file\n"
    assert printed(capsys, code=2, err=err) == ""


def test_broken_lines_are_counted_aloud(file: Path, capsys: Printed) -> None:
    file.write_bytes(LINES[0][:50] + LINES[1] + b"\n\nx\n" + LINES[0][:-1])
    err = "rag-proxy: 2 lines are broken and not counted\n"
    assert "\nacme         2  " in printed(capsys, "--usage-file", file, err=err)


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_counted(
    file: Path, capsys: Printed
) -> None:
    missing, cut, bad = (file.with_name(name) for name in ("none", "cut.gz", "bad.gz"))
    cut.write_bytes(gzip.compress(LINES[0])[:-9])
    bad.write_bytes(gzip.compress(LINES[0])[:10] + b"\xff" * 30)
    for path, why in (
        (missing, "No such file or directory"),
        (cut, "Compressed file ended"),
        (bad, "Error -3 while decompressing"),
        (Path("/dev/full"), "it is a device"),  # it never ends
    ):
        assert main(["usage", "--usage-file", str(path), "--usage-file", str(file)]) == 1
        shown = capsys.readouterr()
        assert f"rag-proxy: {path}: cannot be read ({why}" in shown.err
        assert "\nbolt         2  " in shown.out


@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "26.11.2026"])
def test_a_day_is_written_as_a_date(day: str, file: Path) -> None:
    assert main(["usage", "--since", day, "--usage-file", str(file)]) == 2


def test_a_name_cannot_write_into_the_terminal(file: Path, capsys: Printed) -> None:
    file.write_bytes(usage_line(answered_by="\x1b[2Jqwen\nfake 9 9 9"))
    out = printed(capsys, "--by", "model", "--usage-file", file)
    assert "\x1b" not in out
    assert len(out.splitlines()) == 4


def test_memory_does_not_grow_with_the_file(file: Path, capsys: Printed) -> None:
    file.write_bytes(b"".join(LINES) * 5_000 + b"x" * 5_000_000)
    assert main(["usage", "--usage-file", str(file)]) == 0  # what is loaded once is loaded now
    tracemalloc.start()
    try:
        assert main(["usage", "--usage-file", str(file)]) == 0
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert file.stat().st_size > 14_000_000
    assert peak < 10_000_000
    assert "broken" in capsys.readouterr().err
