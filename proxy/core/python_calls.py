"""Tool calls in Python's notation: `[x(query="…"), y()]` or `x(query="…")`, as Llama writes them.

Arguments are by keyword, and their values are literals. Nothing is run.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from typing import Final

_LONGEST: Final = 8_000
"""The longest call, or list of calls, that is read, in characters."""

_HEAD: Final = re.compile(r"\[?\s{0,64}[\w.-]{1,128}\((?=[\w)\s])")
_MARKS: Final = re.compile(r"[\[\](){}\"']|\\.", re.DOTALL)


def read_python(text: str, place: int) -> tuple[tuple[tuple[str, str], ...], int]:
    """The name and JSON arguments of each call that stands at `place`, and where they end."""
    if _HEAD.match(text, place) is None:
        return (), place
    source = text[place : place + _LONGEST]
    source = source[: _end_of_brackets(source)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the parser complains of a query with a backslash
            tree = ast.parse(source.strip(), mode="eval").body
        made = tree.elts if isinstance(tree, ast.List) else [tree]
        return tuple(map(_call, made)), place + len(source)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return (), place


def _call(node: ast.expr) -> tuple[str, str]:
    """Raises ValueError for anything but a call of a plain name with literal keywords."""
    if not isinstance(node, ast.Call) or node.args or not _is_name(node.func):
        raise ValueError
    if any(key.arg is None for key in node.keywords):
        raise ValueError
    arguments = {key.arg: ast.literal_eval(key.value) for key in node.keywords}
    written = json.dumps(arguments, ensure_ascii=False).encode("utf-8", "replace").decode()
    return ast.unparse(node.func), written


def _is_name(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def _end_of_brackets(source: str) -> int:
    """Where the first bracket in `source` is closed."""
    depth, quote = 0, ""
    for mark in _MARKS.finditer(source):
        sign = mark[0]
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
        elif sign in "[({":
            depth += 1
        elif sign in "])}":
            depth -= 1
            if depth <= 0:
                return mark.end()
    return len(source)
