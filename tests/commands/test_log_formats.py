from __future__ import annotations

import json
import logging
import sys
from typing import Any

import pytest

from proxy.commands.log_formats import FORMATTERS
from proxy.telemetry.log_line import LogLine
from tests.telemetry.samples import answer_facts, request_facts, timeline

JSON = FORMATTERS["json"]


def record(
    told: object, *args: object, level: int = logging.INFO, exc_info: Any = None
) -> logging.LogRecord:
    made = logging.LogRecord("proxy.access", level, "here.py", 1, told, args, exc_info)
    made.created = 1_800_000_000.25
    return made


def written(made: logging.LogRecord) -> dict[str, Any]:
    line = JSON.format(made)
    assert len(line.splitlines()) == 1
    document: dict[str, Any] = json.loads(line)
    return document


def test_a_record_is_an_object_with_time_level_logger_and_message() -> None:
    assert written(record("read %d keys", 3, level=logging.WARNING)) == {
        "time": "2027-01-15T08:00:00.250Z",
        "level": "warning",
        "logger": "proxy.access",
        "message": "read 3 keys",
    }


def test_the_line_of_a_request_has_its_fields_as_keys() -> None:
    facts = request_facts(answer=answer_facts(timeline=timeline("dns", heard_s=0.02)))
    document = written(record(LogLine.of(facts)))
    assert document == {
        "time": "2027-01-15T08:00:00.250Z",
        "level": "info",
        "logger": "proxy.access",
        "message": "POST /v1/chat/completions",
        "method": "POST",
        "path": "/v1/chat/completions",
        "status": 200,
        "ms": 41,
        "id": "id1",
        "from": "127.0.0.1",
        "model": "hr",
        "answered_by": "llama",
        "stream": True,
        "rounds": 2,
        "searches": 3,
        "tokens": 120,
        "retries": 1,
        "retry_causes": "dns",
        "first_token_ms": 20,
    }


def test_both_forms_tell_the_same_fields() -> None:
    line = LogLine.of(request_facts(answer=answer_facts(timeline=timeline("dns", heard_s=0.02))))
    document = written(record(line))
    assert line.fields.items() <= document.items()
    text = FORMATTERS["text"].format(record(line))
    assert text.endswith(f" INFO proxy.access: {line}")
    told = dict(each.split("=", 1) for each in str(line).split()[2:])
    assert told.keys() | {"method", "path"} == line.fields.keys()
    assert all(told[name] == str(line.fields[name]) for name in told)


def test_a_traceback_is_one_key_of_the_object() -> None:
    try:
        raise ValueError("two\nlines")  # noqa: TRY301 - to have a traceback
    except ValueError:
        document = written(record("bad", level=logging.ERROR, exc_info=sys.exc_info()))
    assert document["message"] == "bad"
    assert document["exception"].startswith("Traceback ")
    assert document["exception"].endswith("ValueError: two\nlines")


def test_a_stack_is_one_key_of_the_object() -> None:
    made = record("here")
    made.stack_info = "Stack:\n  one"
    assert written(made)["stack"] == "Stack:\n  one"


@pytest.mark.parametrize("wrote", ["a\nb", 'a" , "level": "error', "\u2028\x85\r\x1b[2J", "\udc80"])
def test_nobody_can_write_lines_or_keys_of_their_own(wrote: str) -> None:
    facts = request_facts(path=f"/{wrote}", answer=answer_facts(model=wrote))
    line = JSON.format(record(LogLine.of(facts)))
    assert "\n" not in line
    document = json.loads(line)
    assert document["level"] == "info"
    assert document["model"] == wrote.replace("\udc80", "?")
    assert json.loads(JSON.format(record("%s", wrote)))["message"] == document["model"]
