"""The table of what works."""

from __future__ import annotations

import pytest

from tests.clients.catalogue import Client
from tests.clients.checks import CHECKS, Outcome
from tests.clients.snippets import DOCS
from tests.clients.table import BEGIN, END, Row, table, written

ONE = Client("One", "chat", "python", ("one==1.0",), "one.py")
TWO = Client("Two", "chat", "node", ("two@2.0",), "two.mjs")
PASSED = {check.name: Outcome("passed") for check in CHECKS}


def lines(*rows: Row) -> list[str]:
    return table(rows, "Made today.").splitlines()


def test_a_client_that_passes_has_a_yes_in_each_column() -> None:
    said, _, head, _, row = lines(Row(ONE, PASSED))
    assert said == "Made today."
    assert head.startswith("| Client | Version | Answer | Stream | Own tool | Next turn |")
    assert row == f"| One | `one==1.0` |{' yes |' * len(CHECKS)}"


def test_a_failure_is_loud_and_says_why_below() -> None:
    failed = PASSED | {"stream": Outcome("failed", "the `text` came\nin 1 pieces")}
    *_, row, _, note = lines(Row(ONE, failed))
    assert "| yes | **no** (1) | yes |" in row
    assert note == "1. The text came in 1 pieces."


def test_a_reason_stands_there_once_for_all_who_share_it() -> None:
    dropped = PASSED | {"citations": Outcome("not applicable", "it drops them")}
    *_, first, second, _, note = lines(Row(ONE, dropped), Row(TWO, dropped))
    assert "n/a (1)" in first
    assert "n/a (1)" in second
    assert note == "1. It drops them."


def test_what_a_program_does_not_try_has_an_empty_cell() -> None:
    *_, row = lines(Row(ONE, {"answer": Outcome("not tried")}))
    assert row == f"| One | `one==1.0` |{'  |' * len(CHECKS)}"


def test_a_client_that_could_not_be_installed_is_named_with_the_reason() -> None:
    *_, row, _, note = lines(Row(ONE, {}, "not installed: no wheel"))
    assert "not installed (1)" in row
    assert note == "1. Not installed: no wheel."


def test_only_failures_fail() -> None:
    assert Row(ONE, {"answer": Outcome("failed", "so")}).failed
    assert not Row(ONE, {"answer": Outcome("not applicable", "so")}).failed
    assert not Row(ONE, {}, "not installed: so").failed


def test_the_table_replaces_what_stood_between_the_markers() -> None:
    page = f"a\n{BEGIN}\nold\n{END}\nb"
    assert written(page, r"new \1") == f"a\n{BEGIN}\n\nnew \\1\n\n{END}\nb"


@pytest.mark.parametrize("page", ["", BEGIN, f"{BEGIN}{END}{BEGIN}{END}"])
def test_a_page_without_one_place_for_it_is_an_error(page: str) -> None:
    with pytest.raises(ValueError, match="once"):
        written(page, "new")


def test_the_docs_have_the_place() -> None:
    page = DOCS.read_text(encoding="utf-8")
    assert written(page, "new") != page
