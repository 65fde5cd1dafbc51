"""docs/operations.md says what the audit file holds and what the command prints."""

from __future__ import annotations

import re
from pathlib import Path

import orjson
import pytest

from proxy.access.clients import Client, Person
from proxy.cli import main
from proxy.telemetry.audit_chain import BEGINNING, line_after
from proxy.telemetry.audit_record import AuditRecords
from proxy.telemetry.line_writer import MOST_BYTES, MOST_WAITING
from proxy.telemetry.times import utc_now
from tests.telemetry.audit_samples import chain
from tests.telemetry.samples import answer_facts, request_facts
from tests.telemetry.test_audit_record import TRAIL

DOCUMENT = Path(__file__).parents[2] / "docs" / "operations.md"
SECTION = DOCUMENT.read_text(encoding="utf-8").partition("\n## The audit file\n")[2]
SECTION = SECTION.partition("\n## ")[0]
EXAMPLE = orjson.loads(re.findall(r"```json\n(.*?)\n```", SECTION, re.DOTALL)[0])
BLOCKS = re.findall(r"\n\n```\n(.*?)```", SECTION, re.DOTALL)


def real(*, has_texts: bool) -> dict[str, object]:
    client = Client("front-end", "k1", person=Person("ann@example.com"))
    facts = request_facts(client=client, answer=answer_facts(), trail=TRAIL)
    record = AuditRecords({"hr"}, "hr", has_texts=has_texts).record(facts, utc_now())
    line, _ = line_after(BEGINNING, record)
    made: dict[str, object] = orjson.loads(line)
    return made


def test_the_example_has_the_fields_of_a_line_in_their_order() -> None:
    made = real(has_texts=False)
    assert list(EXAMPLE) == list(made)
    assert {name: type(value) for name, value in EXAMPLE.items()} == {
        name: type(value) for name, value in made.items()
    }
    for name in ("queries", "shown", "cited"):
        assert list(EXAMPLE[name][0]) == list(made[name][0])  # type: ignore[index]


def test_each_field_is_explained_once() -> None:
    rows = re.findall(r"^\| (`.*?) \|", SECTION, re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(named) == sorted(real(has_texts=True))


@pytest.mark.parametrize(("block", "kept"), [(0, (0, 1)), (1, (0, 2))])
def test_the_command_prints_what_is_shown(
    block: int,
    kept: tuple[int, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = chain(3)
    Path("audit.jsonl").write_bytes(b"".join(lines[each] for each in kept))
    main(["audit", "verify", "audit.jsonl"])

    def unhashed(text: str) -> str:
        return re.sub(r"[0-9a-f]{64}", "HASH", text)

    assert unhashed(capsys.readouterr().out) == unhashed(BLOCKS[block])


def test_the_room_for_waiting_lines_is_what_is_said() -> None:
    assert f"{MOST_WAITING:,} lines or {MOST_BYTES // 10**6} MB" in SECTION
