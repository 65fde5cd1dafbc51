from __future__ import annotations

from typing import Any

import pytest

from proxy.access.grants import Grant, Limits
from proxy.access.rules import Rule
from proxy.settings import Settings, load_settings
from proxy.settings.access import AccessRule
from tests.settings.given import SECRET, problems, set_variables, toml


def rule(**given: Any) -> Rule:
    (found,) = Settings(access=[given]).access
    return found.rule


def test_a_table_is_a_rule_with_all_that_it_says() -> None:
    text = """
[[access]]
group = "hr"
workspace_id = [1, 2]
profiles = ["hr"]
models = ["llama"]
retrieval = ["tool", "off"]
requests_per_minute = 1
tokens_per_minute = 2
concurrent = 3
daily_tokens = 4
monthly_tokens = 5
[[access]]
user = "Ann@Example.com"
workspace_id = "all"
"""
    one, other = (each.rule for each in load_settings(toml(text)).access)
    assert one == Rule(
        Grant(
            frozenset({1, 2}),
            frozenset({"hr"}),
            frozenset({"llama"}),
            frozenset({"tool", "off"}),
            limits=Limits(1, 2, 3, 4, 5),
        ),
        group="hr",
    )
    assert other == Rule(Grant(), user="ann@example.com")


def test_rules_come_from_the_environment_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    given = '[{"user": "*", "workspace_id": [7]}]'
    set_variables(monkeypatch, RAG_PROXY_ACCESS=given)
    (found,) = load_settings(toml('[[access]]\ngroup = "hr"')).access
    assert found.rule == Rule(Grant(frozenset({7})), user="*")


def test_a_rule_without_workspaces_opens_none_and_all_must_be_said() -> None:
    assert rule(group="hr").grant.workspaces == frozenset()
    assert rule(group="hr", workspace_id=[]).grant.workspaces == frozenset()
    assert rule(group="hr", workspace_id="all").grant.workspaces is None


@pytest.mark.parametrize(
    ("given", "profiles", "models"),
    [
        ({}, None, None),
        ({"profiles": ["hr"]}, {"hr"}, set()),
        ({"models": ["m"]}, set(), {"m"}),
        ({"profiles": ["hr"], "models": "any"}, {"hr"}, None),
        ({"models": "any"}, set(), None),
        ({"profiles": []}, set(), set()),
    ],
)
def test_a_rule_that_names_a_profile_or_a_model_opens_no_other_name(
    given: dict[str, Any], profiles: set[str] | None, models: set[str] | None
) -> None:
    grant = rule(group="hr", **given).grant
    assert (grant.profiles, grant.models) == (profiles, models)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("workspace_id = 1", '[2].workspace_id{}: must be a list of workspace ids, or "all"'),
        ("workspace_id = [true]", '[2].workspace_id{}: must be a list of workspace ids, or "all"'),
        ('profiles = "hr"', "[2].profiles{}: must be a list of names"),
        ('models = "all"', '[2].models{}: must be a list of names, or "any"'),
        ('retrieval = "off"', "[2].retrieval{}: must be a list with some of tool, context, "),
        ("concurrent = 0", "[2].concurrent{}: must be a whole number of at least 1"),
        ("workspaces = [1]", "[2].workspaces{}: no such setting; did you mean workspace_id?"),
        ("limits = { concurrent = 1 }", "[2].limits{}: no such setting"),
        ("user = 'ann'", "{}: item 2 must have either a group or a user"),
    ],
)
def test_a_wrong_rule_is_named_with_its_place(table: str, problem: str) -> None:
    text = f"[[access]]\ngroup = 'it'\n[[access]]\ngroup = 'hr'\n{table}"
    (said,) = problems(toml(text))
    assert said.startswith("access" + problem.format(" in rag-proxy.toml"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[access]]\nworkspace_id = [1]", ": item 1 must have either a group or a user"),
        ("[[access]]\ngroup = ''", "[1].group: must be text that is not empty"),
        ("[[access]]\ngroup = 3", "[1].group: must be text that is not empty"),
        ("[[access]]\nuser = 3", "[1].user: must be text"),
        ("[[access]]\nuser = ' ann'", "[1].user: must be 1 to 256 printable characters, "),
        ("[access]\ngroup = 'hr'", ": must be [[access]], in two brackets"),
        ("access = [3]", ": item 1 must be a table"),
    ],
)
def test_whom_a_rule_is_for_must_be_said(text: str, problem: str) -> None:
    (said,) = problems(toml(text))
    assert said.replace(" in rag-proxy.toml", "").startswith("access" + problem)


def test_problems_of_rules_in_the_environment_name_the_variable_and_no_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = f'[{{"group": "hr", "models": "{SECRET}"}}]'
    set_variables(monkeypatch, RAG_PROXY_ACCESS=given)
    assert problems() == ('RAG_PROXY_ACCESS[1].models: must be a list of names, or "any"',)
    set_variables(monkeypatch, RAG_PROXY_ACCESS=SECRET)
    assert problems() == ("RAG_PROXY_ACCESS: item 1 must be a table",)
    set_variables(monkeypatch, RAG_PROXY_ACCESS="[x")
    (said,) = problems()
    assert said.startswith("RAG_PROXY_ACCESS: must be ")


def test_every_field_but_whom_it_is_for_counts_for_the_grant() -> None:
    given = {"workspace_id": [1], "profiles": ["a"], "models": ["b"], "retrieval": ["off"]}
    limits = dict.fromkeys(AccessRule.model_fields.keys() - given.keys() - {"group", "user"}, 9)
    plain = rule(group="g")
    for name, value in {**given, **limits}.items():
        assert rule(group="g", **{name: value}) != plain
