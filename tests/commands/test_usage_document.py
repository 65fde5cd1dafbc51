"""docs/operations.md says of usage what the file holds and what the commands print."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import orjson
import pytest

from proxy.cli import main
from proxy.telemetry.facts import Outcome
from proxy.telemetry.prices import ModelPrice, Prices
from proxy.telemetry.usage_record import MOST_FILES
from proxy.telemetry.usage_sums import Sums
from tests.telemetry.usage_samples import usage_line

DOCUMENT = Path(__file__).parents[2] / "docs" / "operations.md"
SECTION = DOCUMENT.read_text(encoding="utf-8").partition("## Usage and cost\n")[2]
SECTION = SECTION.partition("\n## ")[0]
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)
SHOWN, TOLD = (text for kind, text in BLOCKS if kind == "json")
EXAMPLE: dict[str, Any] = orjson.loads(SHOWN)


def test_the_example_has_the_fields_of_a_line_in_their_order() -> None:
    real = orjson.loads(usage_line())
    assert list(EXAMPLE) == list(real)
    assert {name: type(value) for name, value in EXAMPLE.items() if name != "ms_first"} == {
        name: type(value) for name, value in real.items() if name != "ms_first"
    }


def test_each_field_is_explained_once() -> None:
    rows = re.findall(r"^\| (`.*?) \|", SECTION, re.MULTILINE)
    assert sorted(name for row in rows for name in re.findall(r"`(\w+)`", row)) == sorted(EXAMPLE)


def test_the_outcomes_are_those_of_the_log() -> None:
    (row,) = re.findall(r"^\| `outcome` \| (.*) \|$", SECTION, re.MULTILINE)
    assert set(re.findall(r"`([a-z_]+)`", row)) - {"max_answer_chars"} == set(get_args(Outcome))
    assert f"the first {MOST_FILES} of" in SECTION


def test_the_costs_of_the_example_are_right() -> None:
    price = re.search(r"input = ([\d.]+)\noutput = ([\d.]+)\ncached = ([\d.]+)", _configuration())
    assert price
    rates = ModelPrice(*map(float, price.groups()))
    tokens = [EXAMPLE[name] for name in ("tokens_in", "tokens_out", "tokens_cached")]
    cost = (
        (tokens[0] - tokens[2]) * rates.input + tokens[1] * rates.output + tokens[2] * rates.cached
    ) / 1e6
    assert EXAMPLE["cost_tokens"] == round(cost, 9)
    assert EXAMPLE["cost_searches"] == Prices(search=0.01).of_searches(EXAMPLE["searches"])
    assert EXAMPLE["cost"] == round(EXAMPLE["cost_tokens"] + EXAMPLE["cost_searches"], 9)


def _configuration() -> str:
    return DOCUMENT.with_name("configuration.md").read_text(encoding="utf-8")


def test_the_command_prints_what_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unpriced = {"cost_tokens": None, "cost": None, "searches": 0, "cost_searches": 0.0}
    lines: list[dict[str, Any]] = [
        EXAMPLE,
        EXAMPLE,
        {**EXAMPLE, **unpriced, "answered_by": "qwen3.6-35b-a3b", "tokens_cached": 0},
        {
            **EXAMPLE,
            **dict.fromkeys(EXAMPLE.keys() & set(_counts()), 0),
            "answered_by": "",
            "outcome": "error",
            "uncounted_rounds": 1,
            "cost_tokens": 0.0,
            "cost_searches": 0.0,
        },
    ]
    path = tmp_path / "usage.jsonl"
    path.write_bytes(b"\n".join(map(orjson.dumps, lines)))
    (command,) = re.findall(r"rag-proxy usage (.*)\n```", SECTION)
    assert main(["usage", *command.split(), "--usage-file", str(path)]) == 0
    (printed,) = (text for kind, text in BLOCKS if not kind)
    assert capsys.readouterr().out == printed


def _counts() -> list[str]:
    return list(Sums().counts)


def test_the_sums_of_a_key_are_those_that_are_told() -> None:
    told = orjson.loads(TOLD)
    sums = Sums()
    sums.add(EXAMPLE)
    assert told["total"] == sums.document()
    assert (told["days"][0]["day"], told["models"][0]["model"]) == (
        EXAMPLE["time"][:10],
        EXAMPLE["answered_by"],
    )
