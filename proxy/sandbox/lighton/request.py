"""The body of a LightOn search request, checked field by field as the vendor's schema says.

Unknown fields pass, as they do there. An empty list filters nothing, as an absent one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from proxy.sandbox.documents.facets import AttributeFilter, parse_attribute
from proxy.sandbox.lighton.errors import FieldErrors

Mode = Literal["text", "vision"]
Scoring = Literal["scoring_and_filtering", "scoring_only", "none"]

LONGEST_QUERY = 4000
MOST_RESULTS = 100


@dataclass(frozen=True, slots=True)
class SearchRequest:
    query: str
    max_results: int = 10
    workspace_id: frozenset[int] = frozenset()
    tag_id: frozenset[int] = frozenset()
    file_id: frozenset[int] = frozenset()
    content_type: tuple[str, ...] = ()
    attribute: tuple[AttributeFilter, ...] = ()
    mode: Mode = "text"
    relevance_scoring: Scoring = "scoring_and_filtering"
    include_image: bool = False
    include_bboxes: bool = False


class InvalidRequest(Exception):
    """The request has wrong fields; `fields` says what is wrong with each."""

    def __init__(self, fields: FieldErrors) -> None:
        super().__init__(", ".join(fields))
        self.fields = fields


class _Invalid(Exception):
    """One field's value is wrong; the arguments are the error's name and text."""


def parse_request(body: Any) -> SearchRequest:
    """Check a decoded JSON body. Raises `InvalidRequest` with every wrong field."""
    if not isinstance(body, dict):
        raise InvalidRequest({"non_field_errors": [_entry("invalid", "An object is expected.")]})
    values: dict[str, Any] = {}
    errors: FieldErrors = {}
    for name, check in _CHECKS.items():
        if name in body:
            try:
                values[name] = check(body[name])
            except _Invalid as error:
                errors[name] = [_entry(*error.args)]
    if "query" not in body:
        errors["query"] = [_entry("required", "This field is required.")]
    if values.get("file_id") and (values.get("workspace_id") or values.get("tag_id")):
        detail = "This field cannot be combined with workspace_id or tag_id."
        errors["file_id"] = [_entry("invalid", detail)]
    if errors:
        raise InvalidRequest(errors)
    return SearchRequest(**_without_skip_rerank(values))


def _entry(error: str, detail: str) -> dict[str, str]:
    return {"error": error, "detail": detail}


def _without_skip_rerank(values: dict[str, Any]) -> dict[str, Any]:
    """Translate the deprecated `skip_rerank`, which `relevance_scoring` overrides."""
    skip = values.pop("skip_rerank", False)
    return {"relevance_scoring": "none", **values} if skip else values


def _query(value: Any) -> str:
    text = _text(value)
    if not text:
        raise _Invalid("blank", "This field must not be blank.")
    if len(text) > LONGEST_QUERY:
        raise _Invalid("max_length", f"At most {LONGEST_QUERY} characters are allowed.")
    return text


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _Invalid(*_not_a("string", value))
    return value.strip()


def _integer(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _Invalid(*_not_a("integer", value))
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Invalid(*_not_a("boolean", value))
    return value


def _max_results(value: Any) -> int:
    number = _integer(value)
    if number < 1:
        raise _Invalid("min_value", "This value must be at least 1.")
    if number > MOST_RESULTS:
        raise _Invalid("max_value", f"This value must be at most {MOST_RESULTS}.")
    return number


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _Invalid("null" if value is None else "not_a_list", "A list is expected.")
    return value


def _ids(value: Any) -> frozenset[int]:
    return frozenset(map(_integer, _list(value)))


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(_text, _list(value)))


def _attributes(value: Any) -> tuple[AttributeFilter, ...]:
    return tuple(map(_attribute, _texts(value)))


def _attribute(entry: str) -> AttributeFilter:
    parsed = parse_attribute(entry)
    if parsed is None:
        raise _Invalid("invalid", f"{entry!r} is not an attribute filter such as name:value.")
    return parsed


def _choice(*choices: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in choices:
            raise _Invalid("invalid_choice", f"It must be one of: {', '.join(choices)}.")
        return str(value)

    return check


def _not_a(kind: str, value: Any) -> tuple[str, str]:
    return (
        ("null", "This field may not be null.")
        if value is None
        else ("invalid", f"A valid {kind} is required.")
    )


_CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "query": _query,
    "max_results": _max_results,
    "workspace_id": _ids,
    "tag_id": _ids,
    "file_id": _ids,
    "content_type": _texts,
    "attribute": _attributes,
    "mode": _choice("text", "vision"),
    "relevance_scoring": _choice("scoring_and_filtering", "scoring_only", "none"),
    "skip_rerank": _boolean,
    "include_image": _boolean,
    "include_bboxes": _boolean,
}
