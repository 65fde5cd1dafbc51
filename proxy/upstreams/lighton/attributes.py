"""What LightOn knows of a document, as attributes in OpenAI's bounds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from proxy.upstreams.lighton.replies import texts_of

MOST: Final = 16
LONGEST_NAME: Final = 64
LONGEST_TEXT: Final = 512

Value = str | float | bool


def attributes_in(source: Mapping[str, object]) -> dict[str, Value]:
    """The attributes of a search result's `source`. What is of the wrong type counts as absent.

    What filters can look for comes first, then what an importer noted, then what LightOn tells of
    every document. Of two values under one name, the first counts.
    """
    told: dict[str, Value] = {}
    for name, value in _all(source):
        fit = _fit(value)
        if fit is not None and 0 < len(name) <= LONGEST_NAME:
            told.setdefault(name, fit)
        if len(told) == MOST:
            break
    return told


def _all(source: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    types = [each for each in _list(source.get("content_types")) if isinstance(each, dict)]
    for each in types:
        for name, value in _items(each.get("attribute_values")):
            yield name, value.get("value") if isinstance(value, dict) else value
    metadata = source.get("external_metadata")
    if isinstance(metadata, dict):
        yield from _items(metadata.get("additional_metadata"))
        yield "external_id", metadata.get("external_id")
    yield from texts_of(source, "title", "mime_type").items()
    yield "content_type", [each.get("path") for each in types]
    tags = (each.get("name") for each in _list(source.get("tags")) if isinstance(each, dict))
    yield "tags", list(tags)


def _items(value: object) -> Iterable[tuple[str, object]]:
    return value.items() if isinstance(value, dict) else ()


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _fit(value: object) -> Value | None:
    """A value as it is or, of a list, its texts in one; None for what is neither."""
    if isinstance(value, list):
        value = ", ".join(each for each in value if isinstance(each, str))
    if isinstance(value, str):
        return (value if len(value) <= LONGEST_TEXT else f"{value[: LONGEST_TEXT - 1]}…") or None
    return value if isinstance(value, bool | int | float) else None
