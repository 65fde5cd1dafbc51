"""Messages about faults in the settings, for the person who wrote them.

A message names the variable or key and says what it must be. It never repeats the value, which may
be a secret, even in a setting that should hold none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


CLOSE: Final = 0.75
SURELY_CLOSE: Final = 0.87
"""How similar names must be, by difflib's ratio. The second value tells `AWS_SECRET_KEY`, which the
proxy does not use, from `SCW_SECRET_KEY`."""
SHORTEST_STEM: Final = 4
_RENAMED: Final[Mapping[str, str]] = {"model_timeout_s": "round_idle_s"}


def unknown(name: str, known: Mapping[str, str]) -> str:
    """The fault of a setting that does not exist. It names the nearest setting that does.

    `known` maps the names that people may write to the real names.
    """
    renamed = _RENAMED.get(name.lower())
    for now in (renamed, renamed.upper()) if renamed else ():
        if now in known:
            return f"no such setting any more; use {known[now]}"
    nearest = get_close_matches(name, known, n=1, cutoff=CLOSE) or _only_extension(name, known)
    return "no such setting" + (f"; did you mean {known[nearest[0]]}?" if nearest else "")


def _only_extension(name: str, known: Iterable[str]) -> list[str]:
    """The one known name that begins with `name` or that `name` begins with. Nothing if many do."""
    found = [
        each
        for each in known
        if min(len(each), len(name)) >= SHORTEST_STEM
        and (each.startswith(name) or name.startswith(each))
    ]
    return found if len(found) == 1 else []


def unquoted(name: str) -> str:
    """The fault of a table inside a profile. TOML reads a dot in its name as a level."""
    return f'no such setting; a profile\'s name with a dot needs quotes: [profiles."{name}"]'


def misspelt(names: Collection[str], variables: Iterable[str]) -> str | None:
    """The variable that most likely stands for one of `names`, in any case."""
    others = {each.upper(): each for each in variables if each not in names}
    found = [
        match
        for name in names
        for match in get_close_matches(name, others, n=1, cutoff=SURELY_CLOSE)
    ]
    return others[found[0]] if found else None


def fault(error: ErrorDetails) -> str:
    """The message of one validation error, without pydantic's terms and without the value."""
    last = error["loc"][-1]
    item = f"item {last + 1} " if isinstance(last, int) else ""
    say = _FAULTS.get(error["type"])
    return item + (say(error.get("ctx", {})) if say else error["msg"].lower())


_FAULTS: Final[Mapping[str, Callable[[dict[str, Any]], str]]] = {
    "bool_parsing": lambda _: "must be true or false",
    "bool_type": lambda _: "must be true or false",
    "dict_type": lambda _: "must be a table",
    "finite_number": lambda _: "must be a finite number",
    "float_parsing": lambda _: "must be a number",
    "float_type": lambda _: "must be a number",
    "greater_than": lambda limit: f"must be more than {limit['gt']:g}",
    "greater_than_equal": lambda limit: f"must be at least {limit['ge']:g}",
    "int_from_float": lambda _: "must be a whole number",
    "int_parsing": lambda _: "must be a whole number",
    "int_parsing_size": lambda _: "must be a smaller number",
    "int_type": lambda _: "must be a whole number",
    "less_than_equal": lambda limit: f"must be at most {limit['le']:g}",
    "literal_error": lambda choice: f"must be one of {choice['expected']}",
    "model_type": lambda _: "must be a table",
    "string_too_long": lambda limit: f"must have at most {limit['max_length']} characters",
    "string_too_short": lambda _: "must not be empty",
    "string_type": lambda _: "must be text",
    "tuple_type": lambda _: "must be a list",
    "value_error": lambda context: str(context["error"]),
}
"""pydantic's error types in plain words, given the error's own context."""
