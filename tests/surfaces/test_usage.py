"""The usage surface by itself. `tests/test_usage.py` has it in the application."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from proxy.access.clients import Client, Person
from proxy.errors import BadRequest, NotFound
from proxy.surfaces.exchange import begin_exchange
from proxy.surfaces.usage import UsageOfKey
from proxy.telemetry.usage_file import Usage, UsageFile
from proxy.telemetry.usage_record import UsageRecords
from tests.support.asgi import ask
from tests.telemetry.samples import request_facts
from tests.telemetry.usage_samples import ACME, BOLT, PEOPLE, PRICES, failed_line, usage_line


@pytest.fixture
def usage(tmp_path: Path) -> Iterator[Usage]:
    path = tmp_path / "usage.jsonl"
    lines = (
        usage_line("2026-11-25"),
        usage_line("2026-11-26"),
        usage_line("2026-11-26", answered_by="qwen"),
        failed_line("2026-11-26"),
        usage_line("2026-11-26", BOLT),
    )
    path.write_bytes(b"".join(lines))
    file = UsageFile(path)
    yield Usage(file, UsageRecords(PRICES, {}, "llama"))
    file.close()


async def told(usage: Usage | None, query: str = "", client: Client = ACME) -> Any:
    surface = UsageOfKey(usage, PEOPLE)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        begin_exchange(scope, "id1", {}).client = client
        await surface(scope, receive, send)

    answer = await ask(app, f"/usage{query}", method="GET", content=b"")
    assert answer.status == 200
    return answer.json()


async def test_the_sums_come_in_total_by_day_and_by_model(usage: Usage) -> None:
    document = await told(usage)
    assert {name: document[name] for name in ("object", "key", "person", "since", "currency")} == {
        "object": "usage",
        "key": "acme",
        "person": None,
        "since": None,
        "currency": "EUR",
    }
    assert document["total"] == {
        "answers": 4,
        "failed": 1,
        "client_gone": 0,
        "tokens_in": 300,
        "tokens_out": 60,
        "tokens_cached": 0,
        "tokens": 360,
        "searches": 3,
        "reads": 0,
        "uncounted_rounds": 0,
        "unpriced": 1,
        "cost": None,
        "known_cost": 0.03028,
    }
    days = {each["day"]: each["answers"] for each in document["days"]}
    assert days == {"2026-11-25": 1, "2026-11-26": 3}
    models = {each["model"]: each["cost"] for each in document["models"]}
    assert models == {None: 0, "llama": 0.02028, "qwen": None}


async def test_the_sums_begin_with_the_day_that_is_asked_for(usage: Usage) -> None:
    document = await told(usage, "?since=2026-11-26")
    assert (document["since"], document["total"]["answers"]) == ("2026-11-26", 3)
    assert [each["day"] for each in document["days"]] == ["2026-11-26"]


async def test_what_this_process_has_noted_is_told_also_if_the_disk_is_slow(
    tmp_path: Path,
) -> None:
    class Slow(UsageFile):
        """Writes nothing until somebody waits for it."""

        waiting = b""

        def append(self, line: bytes, *, is_urgent: bool = False) -> None:
            del is_urgent
            self.waiting += line

        def settle(self, patience_s: float = 0) -> bool:
            assert patience_s > 0
            return bool(self.path.write_bytes(self.waiting))

    usage = Usage(Slow(tmp_path / "usage.jsonl"), UsageRecords(PRICES, {}, "llama"))
    usage.note(request_facts(client=ACME))
    assert (await told(usage))["total"]["answers"] == 1


async def test_a_person_is_told_what_that_person_has_used(usage: Usage) -> None:
    ann, bob = (replace(ACME, person=Person(name)) for name in ("ann", "bob"))
    for client in (ann, ann, bob):
        usage.note(request_facts(client=client, person=PEOPLE.name_of(client)))
    for client, name, count in ((ann, "ann", 2), (bob, "bob", 1), (ACME, None, 4)):
        document = await told(usage, client=client)
        assert (document["key"], document["person"]) == ("acme", name)
        assert document["total"]["answers"] == count


async def test_a_key_without_an_answer_has_used_nothing(usage: Usage) -> None:
    document = await told(usage, client=Client("new", "k9"))
    assert (document["total"]["answers"], document["days"], document["models"]) == (0, [], [])


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("?since=yesterday", "since"),
        ("?since=", "since"),
        ("?since=2026-11-26&since=x", "since"),
        ("?key=bolt", "key"),
        ("?until=2026-11-26", "until"),
    ],
)
async def test_whatever_else_is_asked_for_is_refused(usage: Usage, query: str, param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        await told(usage, query)
    assert caught.value.param == param


async def test_without_a_usage_file_there_is_nothing_here() -> None:
    with pytest.raises(NotFound, match="RAG_PROXY_USAGE_FILE"):
        await told(None)
