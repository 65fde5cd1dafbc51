"""Another value than the default for every setting."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError

from proxy.settings import Settings

OTHERS: dict[str, object] = {
    "lighton_base_url": "https://lighton.test",
    "scaleway_project_id": "11111111-2222-3333-4444-555555555555",
    "scaleway_base_url": "https://scaleway.test/v1",
    "cors_origins": ["https://chat.test"],
    "identity": {"oidc": {"issuer": "https://login.test", "audience": ["proxy"]}},
    "trusted_proxies": ["10.0.0.0/8"],
    "redis_url": "redis://other.test",
    "prices": {"search": 1},
    "access": [{"user": "ann"}],
    "profiles": {"hr": {"model": "m"}},
    "attribute": ["a:b"],
}
"""Another value of each setting whose kind does not tell one."""
ANY: tuple[object, ...] = (
    3,
    0.5,
    5_000,
    False,
    True,
    "other",
    "a-key-that-is-long",
    ["other.test"],
    [3],
)


def written(value: object) -> str:
    """A value as TOML has it."""
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {written(each)}' for key, each in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    return json.dumps(value)


def choices(annotation: Any) -> list[object]:
    """The words that a setting allows, if it allows only some."""
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    return [each for inner in get_args(annotation) for each in choices(inner)]


def other(name: str) -> object:
    """A value of a setting that it does not have by default."""
    default = getattr(Settings(), name)
    possible = choices(Settings.model_fields[name].annotation)
    for value in [OTHERS[name]] if name in OTHERS else [*possible, *ANY]:
        with suppress(ValidationError):
            if getattr(Settings(**{name: value}), name) != default:
                return value
    raise AssertionError(f"say another value of {name} in OTHERS")
