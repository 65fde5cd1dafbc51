"""What `make evidence` measures stays good; the labelled cases of others are read there alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.evidence.__main__ import main
from tests.evidence.figures import cases
from tests.evidence.labelled import FILES, labelled
from tests.evidence.measure import figures_of, support_of
from tests.evidence.pairs import pairs


def test_figures_are_missed_and_cried_wolf_for_seldom() -> None:
    found = figures_of(cases(1_000, seed=20_261_126))

    assert found.held == found.changed == 1_000
    assert found.false_alarms <= 0.01 * found.held
    assert found.missed <= 0.02 * found.changed


def test_support_is_judged_right_in_five_languages() -> None:
    found = support_of(pairs())

    assert found.precision >= 0.97
    assert found.recall >= 0.97
    assert found.called["contradicted"] <= 0.1 * found.given["contradicted"]


@pytest.mark.parametrize("language", ["English", "French", "German", "Spanish", "Italian"])
def test_no_language_is_much_worse(language: str) -> None:
    found = support_of(each for each in pairs() if each.language == language)

    assert found.recall >= 0.9
    assert found.precision_with_contradicted >= 0.9


def test_labelled_cases_are_read(tmp_path: Path) -> None:
    context = {"text": "The rent is due."}
    verdicts = (
        ("One. Two.", {"supported": 1, "unsupported": 1}, ["supported", "unsupported"]),
        ("One, two.", {"supported": 1, "unsupported": 1}, ["unsupported"]),
        ("One.", {"supported": 2}, ["supported"]),
        ("One.", {"contradicted": 1}, ["contradicted"]),
        ("One.", {"partially_supported": 1}, ["unsupported"]),
    )
    given = [
        {"answer": answer, "contexts": [context], "expected_verdict_counts": counts}
        for answer, counts, _ in verdicts
    ]
    (tmp_path / f"{FILES[0]}.json").write_text(json.dumps({"cases": given}))

    found = [each.label for each in labelled(tmp_path, FILES[0])]

    assert found == [label for *_, labels in verdicts for label in labels]


def test_the_command_prints_the_figures() -> None:
    done = CliRunner().invoke(main, ["--cases", "20", "--seed", "1"])

    assert done.exit_code == 0
    assert "false alarms              0 of 20" in done.output
    assert "figures, seed 1" in done.output
