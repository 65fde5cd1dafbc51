"""The metadata block at the top of a Markdown file, between two lines of `---`.

It understands a small part of YAML: `key: value`, `key: [a, b]`, and a key followed by `- item`
lines. Values stay text. It passes over anything else, such as nested maps and block text.
"""

import re
from collections.abc import Mapping

FrontMatter = Mapping[str, tuple[str, ...]]

_ENTRY = re.compile(r"(?P<key>\w[\w.-]*)\s*:(?:\s+(?P<value>.*))?$")
_ITEM = re.compile(r"\s*-\s+(?P<value>.*)$")
_ENDS = ("---", "...")


def split_front_matter(text: str) -> tuple[FrontMatter, str]:
    """Return the metadata and the text below it. A block without an end is text."""
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        return {}, text
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip() in _ENDS:
            return _parse(lines[1:number]), "\n".join(lines[number + 1 :])
    return {}, text


def _parse(lines: list[str]) -> FrontMatter:
    entries: dict[str, tuple[str, ...]] = {}
    key = None
    for line in lines:
        if entry := _ENTRY.match(line.rstrip()):
            key = entry["key"]
            entries[key] = _values(entry["value"] or "")
        elif key and (item := _ITEM.match(line.rstrip())):
            entries[key] += _scalars([item["value"]])
        elif not line.startswith("#"):
            key = None
    return {key: values for key, values in entries.items() if values}


def _values(value: str) -> tuple[str, ...]:
    value = value.strip()
    if value.startswith("[") and value.endswith("]"):
        return _scalars(value[1:-1].split(","))
    return _scalars([value])


def _scalars(values: list[str]) -> tuple[str, ...]:
    return tuple(scalar for value in values if (scalar := _scalar(value)))


def _scalar(value: str) -> str:
    value = value.strip()
    quoted = re.fullmatch(r"""(["'])(.*)\1(\s+#.*)?""", value)
    if quoted:
        return quoted[2].strip()
    value = re.split(r"(?:^|\s)#", value, maxsplit=1)[0].strip()
    return "" if value in ("~", "null", "|", ">") else value
