"""The JSON Schema of the TOML file, for editors: which settings there are, and what each takes.

It is stricter than the proxy in one way only: a number or a truth value that is written as text is
no fault for the proxy. Some rules are beyond it, such as what can be an address: the proxy has the
last word.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from proxy.settings import Settings
from proxy.settings.secret_files import is_secret

_DRAFT: Final = "http://json-schema.org/draft-07/schema#"
"""What all editors know that read schemas of TOML."""
_ABOUT: Final = "The settings of rag-proxy. docs/configuration.md says more of each."
_BETTER: Final = " Keep it out of a file that you share: set it in the environment."


def config_schema() -> dict[str, Any]:
    made: dict[str, Any] = _as_toml(Settings.model_json_schema(mode="validation"))
    for name, info in Settings.model_fields.items():
        if is_secret(info):
            made["properties"][name]["description"] += _BETTER
    return {**made, "$schema": _DRAFT, "title": "rag-proxy", "description": _ABOUT}


def _as_toml(schema: Any) -> Any:
    """Without null, which TOML does not have, and without titles, which only repeat names."""
    if isinstance(schema, list):
        return [_as_toml(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    read: dict[str, Any] = {
        name: _properties(each) if name in ("properties", "$defs") else _as_toml(each)
        for name, each in schema.items()
        if name != "title" and not (name == "default" and each is None)
    }
    given = read.pop("anyOf", [])
    choices = [each for each in given if each != {"type": "null"}]
    if len(choices) == 1:
        read = {**choices[0], **read}
    elif choices:
        read["anyOf"] = choices
    if "$ref" in read and len(read) > 1:  # draft 7 overlooks what stands beside a reference
        read["allOf"] = [{"$ref": read.pop("$ref")}]
    return read


def _properties(schemas: Mapping[str, Any]) -> dict[str, Any]:
    """A setting may be named like a keyword."""
    return {name: _as_toml(each) for name, each in schemas.items()}
