"""The schemas of the API, to hold requests and replies against."""

from __future__ import annotations

from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from proxy.schemas.api import api_schema


@cache
def document() -> dict[str, Any]:
    return api_schema()


@cache
def validator(name: str) -> Draft202012Validator:
    components = {"components": document()["components"]}
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", **components})


def faults(name: str, value: object) -> list[str]:
    """What the schema of this name says against a value."""
    return [f"{error.json_path}: {error.message}" for error in validator(name).iter_errors(value)]
