"""The schema of the TOML file says what the proxy says of a file, as far as a schema can."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from pydantic import TypeAdapter, ValidationError

from proxy.schemas.config import config_schema
from proxy.settings import Settings
from tests.settings.others import OTHERS, other

SCHEMA = config_schema()
VALID = Draft7Validator(SCHEMA)
DOCS = Path(__file__).parents[2] / "docs"
OF_OTHERS = ("[keys.", "[model_providers.")
"""What only the key file has, or the settings of Codex."""
EXAMPLES = [
    (document.name, example)
    for document in sorted(DOCS.glob("*.md"))
    for example in re.findall(r"```toml\n(.*?)```", document.read_text(), flags=re.DOTALL)
    if not any(each in example for each in OF_OTHERS)
]
TEXT = st.text("abz09 .:/-_*é\n", max_size=6)
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-2, 70_000),
        st.integers(),
        st.floats(-1e9, 1e9),
        TEXT,
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=6,
)
RICH: dict[str, Any] = {
    "identity": {"oidc": {"issuer": "https://a.test", "audience": ["x"], "algorithms": ["RS256"]}},
    "prices": {"search": 1, "m": {"input": 1, "output": 2, "cached": 0.5}},
    "access": [{"group": "hr", "workspace_id": [1], "models": ["m"], "daily_tokens": 3}],
    "profiles": {"hr": {"model": "m", "workspace_id": [1], "refusal_text": {"en": "No."}}},
    "refusal_text": {"de": "Nein."},
}


def is_valid(values: dict[str, Any]) -> bool:
    return bool(VALID.is_valid(values))


def faults(values: dict[str, Any]) -> set[str]:
    """What pydantic says of them. `value_error` is a rule in words, beyond types and limits."""
    try:
        Settings(**values)
    except ValidationError as error:
        found = {each["type"] for each in error.errors()}
        return found - {"default_factory_not_called"}  # a result of another error
    return set()


@cache
def alone(name: str) -> TypeAdapter[Any]:
    info = Settings.model_fields[name]
    kind: Any = Annotated[info.annotation, name, *info.metadata]
    return TypeAdapter(kind)


def takes_as_it_is(name: str, value: object) -> bool:
    """Whether the setting takes a value without turning text into a number, or so."""
    try:
        alone(name).validate_json(json.dumps(value), strict=True)
    except ValidationError:
        return False
    return True


def changed(value: object, draw: st.DrawFn) -> object:
    """A value with something in it put in place of something else."""
    if isinstance(value, dict) and value and draw(st.booleans()):
        name = draw(st.sampled_from(sorted(value)))
        return {**value, name: changed(value[name], draw)}
    if isinstance(value, list) and value and draw(st.booleans()):
        return [changed(value[0], draw), *value[1:]]
    if isinstance(value, dict) and draw(st.booleans()):
        return {**value, draw(st.sampled_from(["model", "user", "en", "other"])): draw(VALUES)}
    return draw(VALUES)


@st.composite
def given_settings(draw: st.DrawFn) -> tuple[str, object]:
    name = draw(st.sampled_from(sorted(Settings.model_fields)))
    start = draw(st.sampled_from([RICH.get(name), OTHERS.get(name), other(name)]))
    return name, changed(deepcopy(start), draw)


@given(given_settings())
@settings(max_examples=600, deadline=None)
def test_schema_and_proxy_agree(case: tuple[str, object]) -> None:
    """The schema is never milder but for rules in words, and never stricter but for texts."""
    name, value = case
    if is_valid({name: value}):
        assert faults({name: value}) <= {"value_error"}
    if takes_as_it_is(name, value) and "null" not in json.dumps(value):
        assert is_valid({name: value})


@pytest.mark.parametrize("name", Settings.model_fields)
def test_another_value_of_each_setting_is_valid(name: str) -> None:
    assert is_valid({name: other(name)})


@pytest.mark.parametrize("name", Settings.model_fields)
def test_each_setting_is_explained_and_takes_no_other_kind(name: str) -> None:
    described = SCHEMA["properties"][name]
    assert described["description"].startswith(Settings.model_fields[name].description)
    assert not is_valid({name: None})
    assert not is_valid({name: [[]]})


@pytest.mark.parametrize(("document", "example"), EXAMPLES)
def test_the_examples_in_the_documents_are_valid(document: str, example: str) -> None:
    assert not list(VALID.iter_errors(tomllib.loads(example))), document


def test_there_are_such_examples() -> None:
    assert len(EXAMPLES) > 5


@pytest.mark.parametrize(
    "values",
    [
        {"prot": 9000},
        {"port": 65536},
        {"port": -1},
        {"budget_s": 0},
        {"retrieval": "always"},
        {"workspace_id": []},
        {"lighton_base_url": "ftp://host"},
        {"ca_file": " "},
        {"profiles": {"": {}}},
        {"profiles": {"x" * 201: {}}},
        {"profiles": {"hr": {"port": 1}}},
        {"profiles": {"hr": {"model": "a", "models": ["b"]}}},
        {"profiles": {"hr": {"models": []}}},
        {"access": {"user": "ann"}},
        {"access": [{}]},
        {"access": [{"user": "ann", "group": "hr"}]},
        {"access": [{"user": "ann", "workspace_id": "any"}]},
        {"access": [{"user": "ann", "retrieval": []}]},
        {"access": [{"user": "ann", "daily_tokens": 0}]},
        {"identity": {"oidc": {"issuer": "https://a.test"}}},
        {"identity": {"oidc": {"issuer": "https://a.test", "audience": []}}},
        {"prices": {"m": {"input": 1}}},
        {"refusal_text": {"xx": "No."}},
    ],
)
def test_what_the_proxy_refuses_an_editor_shows(values: dict[str, Any]) -> None:
    assert faults(values)
    assert not is_valid(values)


def schemas(schema: object) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for each in schema.values():
            yield from schemas(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from schemas(each)


def test_it_is_a_schema_that_editors_understand() -> None:
    Draft7Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    for each in schemas(SCHEMA):
        assert each.get("type") != "null"
        if "$ref" in each:
            assert list(each) == ["$ref"]


def test_all_fields_of_tables_are_explained() -> None:
    for name, table in SCHEMA["$defs"].items():
        for field, described in table["properties"].items():
            assert described.get("description"), f"{name}.{field}"


def test_of_secrets_it_says_where_they_belong() -> None:
    secrets = ("lighton_api_key", "scaleway_api_key", "api_keys", "redis_url")
    for name, described in SCHEMA["properties"].items():
        assert ("in the environment" in described["description"]) == (name in secrets)
