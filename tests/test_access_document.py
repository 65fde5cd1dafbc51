"""docs/access.md prints what the commands print."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from proxy.access.key_records import _FIELDS, records_of
from proxy.commands.keys_group import keys
from tests.support.program import PATIENCE_S, clean_environment

DOCUMENT = (Path(__file__).parents[1] / "docs" / "access.md").read_text(encoding="utf-8")
STEPS = re.findall(r"```sh\n(.*?)```\s+```\n(.*?)```", DOCUMENT, re.DOTALL)
EXAMPLE = re.search(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)


def masked(text: str) -> str:
    """Text without what differs from run to run."""
    text = re.sub(r"^rp-(…|[0-9A-Za-z]{43})$", "KEY", text, flags=re.MULTILINE)
    text = re.sub(r"\b2\d{3}-\d\d-\d\d \d\d:\d\d(:\d\d)? UTC", "TIME", text)
    return re.sub(r"\b[0-9a-f]{16}\b", "ID", text)


@pytest.fixture(name="environment")
def _environment(tmp_path: Path) -> dict[str, str]:
    """One in which a shell finds this checkout's program."""
    program = tmp_path / "bin" / "rag-proxy"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m proxy "$@"\n')
    program.chmod(0o755)
    environment = clean_environment()
    return {**environment, "PATH": f"{program.parent}:{environment['PATH']}"}


def test_each_step_prints_what_the_page_shows(tmp_path: Path, environment: dict[str, str]) -> None:
    assert len(STEPS) == 4
    environment["RAG_PROXY_KEYS_FILE"] = "keys.toml"
    for script, printed in STEPS:
        done = subprocess.run(  # noqa: S603 - our own page
            ["/bin/sh", "-ec", script],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert masked(done.stdout) == masked(printed)
        assert done.returncode == 0


def test_the_example_of_a_file_has_every_field_but_earlier_secrets() -> None:
    assert EXAMPLE
    document = tomllib.loads(EXAMPLE[1])
    (record,) = records_of(document)
    assert record.name == "acme"
    assert set(document["keys"]["acme"]) == set(_FIELDS) - {"previous"}


def test_the_table_names_every_option_that_says_what_a_key_opens() -> None:
    row = re.compile(r"^\| (`--.*?) \|", re.MULTILINE)
    named = {option for cell in row.findall(DOCUMENT) for option in re.findall(r"--[\w-]+", cell)}
    options = {each for param in keys.commands["add"].params for each in param.opts}
    assert named == options - {"name", "--keys-file", "--config"}


@pytest.mark.parametrize("command", keys.commands)
def test_the_page_names_every_command(command: str) -> None:
    assert f"rag-proxy keys {command}" in DOCUMENT
