from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.access.clients import ANYBODY, Client, Person
from proxy.telemetry import usage_own
from proxy.telemetry.people import PeopleInRecords
from proxy.telemetry.usage_own import OwnUsage
from proxy.telemetry.usage_sums import Record, read_record
from tests.telemetry.usage_samples import ACME, BOLT, PEOPLE, failed_line, usage_line

DAY = "2026-11-26"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "usage.jsonl"


def answers(own: OwnUsage, client: Client = ACME, since: str = "") -> dict[tuple[str, str], int]:
    return {group: sums.counts["answers"] for group, sums in own.of(client, since).items()}


def add(path: Path, *lines: bytes) -> None:
    with path.open("ab") as file:
        file.writelines(lines)


def test_a_key_gets_its_own_sums_by_day_and_model(path: Path) -> None:
    add(path, usage_line(), usage_line(client=BOLT), usage_line("2026-11-27"), failed_line())
    own = OwnUsage(path, PEOPLE)
    assert answers(own) == {(DAY, "llama"): 1, ("2026-11-27", "llama"): 1, (DAY, ""): 1}
    assert answers(own, BOLT) == {(DAY, "llama"): 1}
    assert answers(own, since="2026-11-27") == {("2026-11-27", "llama"): 1}
    assert answers(own, Client("nobody", "k9")) == {}


def test_keys_of_one_name_are_apart_and_so_are_keys_without_an_id(path: Path) -> None:
    older, newer, plain = Client("acme", "k0"), ACME, Client("acme")
    add(path, *(usage_line(client=each) for each in (older, newer, newer, plain, ANYBODY)))
    own = OwnUsage(path, PEOPLE)
    for client, count in ((older, 1), (newer, 2), (plain, 1), (ANYBODY, 1)):
        assert answers(own, client) == {(DAY, "llama"): count}


@pytest.mark.parametrize("people", [PEOPLE, replace(PEOPLE, as_given=True)])
def test_people_and_the_keys_they_ask_through_are_apart(
    path: Path, people: PeopleInRecords
) -> None:
    keys = (ACME, BOLT, Client("acme"), Client("acme", "k0"))
    clients = [
        replace(key, person=person)
        for key in keys
        for person in (None, Person("ann@example.com"), Person("bob"), Person("acme"))
    ]
    for count, client in enumerate(clients, start=1):
        add(path, *[usage_line(client=client, people=people)] * count)
    own = OwnUsage(path, people)
    for _ in range(2):
        for count, client in enumerate(clients, start=1):
            assert answers(own, client) == {(DAY, "llama"): count}


def test_lines_of_versions_that_knew_no_people_are_the_key_s(path: Path) -> None:
    add(path, usage_line().replace(b'"person":"",', b""))
    own = OwnUsage(path, PEOPLE)
    assert answers(own) == {(DAY, "llama"): 1}
    assert answers(own, replace(ACME, person=Person("ann"))) == {}


def test_nobody_gets_the_sums_of_whom_the_records_named_otherwise(path: Path) -> None:
    """Somebody's name could be what another one is hashed to."""
    ann = replace(ACME, person=Person("ann"))
    add(path, usage_line(client=ann))
    given = replace(PEOPLE, as_given=True)
    assert answers(OwnUsage(path, given), ann) == {}
    for people in (PEOPLE, replace(PEOPLE, secret=b"another")):
        like = replace(ACME, person=Person(PEOPLE.name_of(ann)))
        assert answers(OwnUsage(path, people), like) == {}


def test_a_client_that_writes_another_ones_key_into_a_model_s_name_adds_nothing(
    path: Path,
) -> None:
    forged = '","key":"acme","key_id":"k1","x":"'
    add(path, usage_line(client=BOLT, model=forged), usage_line(client=BOLT, answered_by=forged))
    assert answers(OwnUsage(path, PEOPLE)) == {}


def test_only_what_is_new_is_read_the_next_time(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = OwnUsage(path, PEOPLE)
    add(path, *[usage_line()] * 50)
    assert answers(own) == {(DAY, "llama"): 50}
    read: list[bytes] = []

    def note(line: bytes) -> tuple[Record, bool]:
        read.append(line)
        return read_record(line)

    monkeypatch.setattr(usage_own, "read_record", note)
    add(path, usage_line())
    assert answers(own) == {(DAY, "llama"): 51}
    assert len(read) == 1


def test_a_line_that_is_being_written_counts_once_it_is_whole(path: Path) -> None:
    own, line = OwnUsage(path, PEOPLE), usage_line()
    add(path, line, line[:100])
    assert answers(own) == {(DAY, "llama"): 1}
    add(path, line[100:])
    assert answers(own) == {(DAY, "llama"): 2}


def test_broken_lines_are_passed_over(path: Path) -> None:
    add(path, b'{"time":"x","key_id":"k1"}\n', usage_line()[:-50], usage_line(), b"k1\n")
    assert answers(OwnUsage(path, PEOPLE)) == {(DAY, "llama"): 1}


def test_rotation_loses_nothing_and_counts_nothing_twice(path: Path) -> None:
    own = OwnUsage(path, PEOPLE)
    add(path, usage_line(), usage_line())
    assert answers(own) == {(DAY, "llama"): 2}
    path.rename(f"{path}.1")
    assert answers(own) == {(DAY, "llama"): 2}
    add(path, usage_line())
    assert answers(own) == answers(OwnUsage(path, PEOPLE)) == {(DAY, "llama"): 3}
    Path(f"{path}.1").unlink()
    assert answers(own) == {(DAY, "llama"): 1}


def test_a_file_that_is_emptied_begins_anew(path: Path) -> None:
    own = OwnUsage(path, PEOPLE)
    add(path, usage_line(), usage_line())
    assert answers(own) == {(DAY, "llama"): 2}
    os.truncate(path, 0)
    assert answers(own) == {}
    add(path, usage_line("2026-11-27"), *[usage_line("2026-11-28")] * 5)
    assert answers(own) == {("2026-11-27", "llama"): 1, ("2026-11-28", "llama"): 5}


def test_a_file_that_is_cut_shorter_is_read_again(path: Path) -> None:
    own = OwnUsage(path, PEOPLE)
    add(path, usage_line(), usage_line("2026-11-27"), usage_line())
    assert answers(own) == {(DAY, "llama"): 2, ("2026-11-27", "llama"): 1}
    os.truncate(path, len(usage_line()))
    assert answers(own) == {(DAY, "llama"): 1}


def test_a_file_that_is_emptied_and_grows_longer_is_another_one(path: Path) -> None:
    own = OwnUsage(path, PEOPLE)
    add(path, usage_line())
    assert answers(own) == {(DAY, "llama"): 1}
    os.truncate(path, 0)
    add(path, *[usage_line("2026-11-27")] * 3)
    assert answers(own) == {("2026-11-27", "llama"): 3}


def test_a_file_that_does_not_exist_yet_holds_nothing(path: Path) -> None:
    own = OwnUsage(path, PEOPLE)
    assert answers(own) == {}
    add(path, usage_line())
    assert answers(own) == {(DAY, "llama"): 1}


def test_what_is_no_file_holds_nothing_and_nobody_waits_for_it(path: Path) -> None:
    assert answers(OwnUsage(Path("/dev/full"), PEOPLE)) == {}  # it can be read for ever
    os.mkfifo(path)
    assert answers(OwnUsage(path, PEOPLE)) == {}


def test_the_sums_of_few_keys_are_remembered_and_all_are_right(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage_own, "MOST_CLIENTS", 3)
    clients = [Client("team", f"k{n}") for n in range(10)]
    add(path, *(usage_line(client=each) for each in clients))
    own = OwnUsage(path, PEOPLE)
    for _ in range(2):
        assert all(answers(own, each) == {(DAY, "llama"): 1} for each in clients)
    assert len(own._progress) == 3
