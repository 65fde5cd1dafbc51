"""docs/access.md prints what the commands print."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.sockets import free_port
from proxy.access.key_records import _FIELDS, records_of
from proxy.commands.keys_group import keys
from tests.support.program import PATIENCE_S, clean_environment, running
from tests.support.sign_in import signing_in

DOCUMENT = (Path(__file__).parents[1] / "docs" / "access.md").read_text(encoding="utf-8")
KEYS, *EXAMPLES = re.split(r"^## (?=Example: )", DOCUMENT, flags=re.MULTILINE)
STEPS = re.findall(r"```sh\n(.*?)```\s+```\n(.*?)```", KEYS, re.DOTALL)
EXAMPLE = re.search(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)


def masked(text: str) -> str:
    """Text without what differs from run to run."""
    text = re.sub(r"^rp-(…|[0-9A-Za-z]{43})$", "KEY", text, flags=re.MULTILINE)
    text = re.sub(r"\b2\d{3}-\d\d-\d\d \d\d:\d\d(:\d\d)? UTC", "TIME", text)
    return re.sub(r"\b[0-9a-f]{16}\b", "ID", text)


PROVIDER = "https://login.example.com"
"""What the page calls the issuer of tokens. A test puts a real one in its place."""


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


def blocks_of(example: str) -> list[tuple[str, str]]:
    """The kind and the text of each block of code."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", example, re.DOTALL | re.MULTILINE)


def script_of(example: str) -> str:
    """The steps of an example, on ports that are free. Each begins with a line END.

    A server that a step starts is waited for.
    """
    script = "".join(f"echo END\n{text}" for kind, text in blocks_of(example) if kind == "sh")
    for port in ("8000", "8001"):
        script = re.sub(rf"\b{port}\b", str(free_port()), script)
    answers = r"curl -so /dev/null http://127.0.0.1:\1/"
    wait = rf"\g<0>\nwhile kill -0 $! && ! {answers}; do sleep 0.1; done"
    return re.sub(r"--port (\d+) .*&$", wait, script, flags=re.MULTILINE)


def shown(example: str) -> list[str]:
    """What each step prints, "" if the page shows nothing."""
    printed: list[str] = []
    for kind, text in blocks_of(example):
        if kind == "sh":
            printed.append("")
        elif not kind:
            printed[-1] = text
    return printed


def pattern_of(printed: str) -> str:
    """Matches what the page shows, where … stands for anything within a line."""
    return re.escape(masked(printed)).replace("…", ".*")


@pytest.fixture(name="provider")
def _provider(tmp_path: Path, environment: dict[str, str]) -> Iterator[str]:
    """The address of an issuer. A shell in the environment finds what signs people in there."""
    programs = Path(environment["PATH"].partition(":")[0])
    assert programs.is_relative_to(tmp_path)
    with signing_in(programs) as url:
        yield url


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="needs both")
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: each.partition("\n")[0])
def test_an_example_prints_what_the_page_shows(
    example: str, tmp_path: Path, environment: dict[str, str], provider: str
) -> None:
    example = example.replace(PROVIDER, provider)
    folder = tmp_path / "example"
    folder.mkdir()
    for kind, text in blocks_of(example):
        if kind == "toml":
            (folder / text.partition("\n")[0].removeprefix("# ")).write_text(text)
    script = tmp_path / "script"
    script.write_text(script_of(example))
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "env": environment}
    with running(["/bin/sh", str(script)], cwd=folder, **options) as process:
        assert process.stdout is not None
        said = process.stdout.read().split("END\n")
    assert said.pop(0) == ""
    for printed, expected in zip(said, shown(example), strict=True):
        assert re.fullmatch(pattern_of(expected), masked(printed)), printed


def printed_by(example: str) -> str:
    return "".join(text for kind, text in blocks_of(example) if not kind)


def test_there_are_two_examples_of_keys_and_two_of_people() -> None:
    assert [each.partition("\n")[0] for each in EXAMPLES] == [
        "Example: a product with a key for each customer",
        "Example: teams behind one front-end",
        "Example: Open WebUI with its signed header",
        "Example: a company with OIDC",
    ]
    for example in EXAMPLES:
        assert '"content":"' in printed_by(example)


@pytest.mark.parametrize("example", EXAMPLES[:2], ids=("product", "teams"))
def test_an_example_of_keys_asks_for_too_much_and_shows_usage(example: str) -> None:
    assert '"code":"empty_scope"' in printed_by(example)
    assert '"object":"usage"' in printed_by(example)
    assert "rag-proxy usage" in example


@pytest.mark.parametrize("example", EXAMPLES[2:], ids=("Open WebUI", "OIDC"))
def test_an_example_of_people_shows_two_answers_and_wrong_tokens(example: str) -> None:
    said = printed_by(example)
    assert "[[access]]" in example
    assert " --as " in example
    assert '"title":"lease.md"' in said
    assert '"title":"clerks.md"' in said
    assert len(re.findall(r'"code":"(?:invalid_api_key|no_person)"', said)) >= 3


def test_the_example_of_a_file_has_every_field_but_earlier_secrets() -> None:
    assert EXAMPLE
    document = tomllib.loads(EXAMPLE[1])
    (record,) = records_of(document)
    assert record.name == "acme"
    assert "# or trust_user_header" in EXAMPLE[1]  # a key has one of both
    fields = set(_FIELDS) - {"previous", "trust_user_header"}
    assert set(document["keys"]["acme"]) == fields


def test_the_table_names_every_option_that_says_what_a_key_opens() -> None:
    row = re.compile(r"^\| (`--.*?) \|", re.MULTILINE)
    named = {option for cell in row.findall(DOCUMENT) for option in re.findall(r"--[\w-]+", cell)}
    options = {each for param in keys.commands["add"].params for each in param.opts}
    assert named == options - {"name", "--keys-file", "--config"}


@pytest.mark.parametrize("command", keys.commands)
def test_the_page_names_every_command(command: str) -> None:
    assert f"rag-proxy keys {command}" in DOCUMENT
