"""`rag-proxy check --as PERSON`: what a person may see, and why.

It prints a line for the person, with the hash that stands for the name in records, and one for each
rule: that it fits, with what it opens, or why it does not. Then come what fitting rules open
together, with the person's limits, and the names and searches of `check --key`, as far as key and
rules both go. With `--key`, the key comes first:

    ok      key webui: does not expire
    ok      what the key opens: workspaces: 1; profiles: any; models: any; …
    ok      person ann@example.com: groups: hr; in records: 5c4b1c0de3f2a917
    ok      access[1] group hr: opens workspaces: 1, 2; profiles: any; models: any; …
    skipped access[2] group legal: not a group of this person
    skipped access[3] user bob@example.com: another person
    ok      all rules that fit: open workspaces: 1, 2; profiles: any; models: any; …
    ok      no model named: llama, retrieval tool, workspaces 1
    ok      LightOn searches in workspace 1: one result
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import replace

from proxy.access.clients import Person
from proxy.access.identity import WITH_TOKEN
from proxy.access.key_file import client_of
from proxy.access.key_records import KeyRecord
from proxy.access.people import person_of
from proxy.access.rules import Rule, Rules
from proxy.app import make_people
from proxy.commands.check_key import findings_of_client, ways_in
from proxy.commands.key_table import opens
from proxy.commands.probing import Finding
from proxy.errors import NoAccess, SettingsError
from proxy.settings import Settings
from proxy.settings.access import rules_of
from proxy.settings.named_secrets import NamedSecrets


def require_people(record: KeyRecord | None, settings: Settings) -> None:
    """Raise SettingsError if neither the key nor, without one, an issuer tells people apart."""
    if record is not None and record.people is None:
        raise SettingsError(f"--as: the key {record.name} stands for nobody but itself")
    if record is None and (settings.identity is None or settings.identity.oidc is None):
        raise SettingsError(
            "--as: nothing tells people apart: name a key that stands for people with --key, or "
            "set identity.oidc"
        )


def find_person(name: str, groups: Collection[str]) -> Person:
    """The person of the options. Raises SettingsError."""
    try:
        return person_of(name, groups)
    except ValueError as error:
        raise SettingsError(f"--as: {error}") from None


async def findings_of_person(
    person: Person,
    record: KeyRecord | None,
    settings: Settings,
    secrets: NamedSecrets,
    environment: Mapping[str, str] = os.environ,
) -> AsyncIterator[Finding]:
    """What comes of each step, for a person who asks through a key or, without one, by a token."""
    if record is not None:
        for finding in ways_in(record, secrets):
            yield finding
        yield Finding("ok", "what the key opens", opens(record.grant))
    yield _of_person(person, settings)
    rules = rules_of(settings.access)
    for number, rule in enumerate(rules, start=1):
        yield _of_rule(number, rule, person)
    try:
        client = WITH_TOKEN if record is None else client_of(record)
        admitted = Rules(rules).admit(client, person)
    except NoAccess as error:
        yield Finding("FAIL", "all rules that fit", f"{error.status}: {error.message}")
        return
    yield Finding("ok", "all rules that fit", f"open {opens(admitted.of_person)}")
    async for finding in findings_of_client(admitted, settings, secrets, environment):
        yield finding


def _of_person(person: Person, settings: Settings) -> Finding:
    """The person's groups and, where records have a hash for the name, this hash."""
    said = f"groups: {', '.join(sorted(person.groups)) or 'none'}"
    recorded = make_people(settings).name_of(replace(WITH_TOKEN, person=person))
    if recorded != person.name:
        said += f"; in records: {recorded}"
    return Finding("ok", f"person {person.name}", said)


def _of_rule(number: int, rule: Rule, person: Person) -> Finding:
    name = f"access[{number}] " + (f"group {rule.group}" if rule.group else f"user {rule.user}")
    if rule.fits(person):
        return Finding("ok", name, f"opens {opens(rule.grant)}")
    why = "not a group of this person" if rule.group else "another person"
    return Finding("skipped", name, why)
