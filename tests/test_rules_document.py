"""docs/access.md shows rules that can be read, and what `check --as` says of them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from proxy.commands.check_person import find_person, findings_of_person
from proxy.settings import Settings
from proxy.settings.named_secrets import NamedSecrets
from tests.commands.test_check_key import record, sandbox, settings_for

__all__ = ["sandbox"]  # a fixture, which tests name as a parameter
DOCUMENT = (Path(__file__).parents[1] / "docs" / "access.md").read_text(encoding="utf-8")
PEOPLE = DOCUMENT.partition("\n### Rules\n")[2].partition("\n## ")[0]
RULES = tomllib.loads(PEOPLE.partition("```toml\n")[2].partition("```")[0])["access"]
COMMAND = r"^```\n\$ (rag-proxy check .*)\n((?:.*\n)*?)```"
((ASKED, PRINTED),) = re.findall(COMMAND, PEOPLE, re.MULTILINE)


def test_the_rules_use_every_kind_of_person_and_mean_what_the_page_says() -> None:
    rules = [each.rule for each in Settings(access=RULES).access]
    assert [(each.group, each.user) for each in rules] == [
        ("", "*"),
        ("hr", ""),
        ("", "ann@example.com"),
    ]


async def test_the_command_says_of_the_rules_what_the_page_shows(sandbox: str) -> None:
    assert ASKED == "rag-proxy check --key webui --as bob@example.com --group hr"
    profiles = {"assistant": {"model": "llama-3.3-70b-instruct"}}
    settings = settings_for(
        sandbox, access=RULES, profiles=profiles, default_model="llama-3.3-70b-instruct"
    )
    key = record(workspaces=frozenset({1, 2}))
    person = find_person("bob@example.com", ("hr",))
    found = findings_of_person(person, key, settings, NamedSecrets({}), {})
    printed = "".join(f"{each}\n" for each in [each async for each in found])
    pattern = re.escape(PRINTED).replace("…", ".*")
    assert re.fullmatch(pattern, printed.replace("acme", "webui")), printed
