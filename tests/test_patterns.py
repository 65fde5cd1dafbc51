"""No pattern of the proxy takes more steps than its text grows by, whatever the text."""

from __future__ import annotations

import importlib
import pkgutil
import re
from typing import Any, Final

import pytest

import proxy
from proxy.core.text.markers import LONGEST
from tests.support.pattern_steps import hard_texts, spans

SIZE: Final = 350
WHOLE: Final = frozenset(
    (
        *("_CLIENT_ID", "_CLOSING_LINE", "_HEADER_ID", "_INTEGER", "_JSON_STRING", "_MINTED"),
        *("_NINE", "_NUMBERED", "_OPENING_LINE", "_PLAIN_WORD", "_REQUEST_ID", "_SAFE"),
        *("_STATE_ENTRY", "_TOKEN"),
    )
)
"""Patterns that are matched with a whole text, and not sought in it."""
IN_PLACE: Final = frozenset({"FENCE", "_GLM_KEY", "_NAMED", "_PARAMETER"})
"""Patterns that are matched at one place of a text."""
SHORT: Final = frozenset({"_IN_PASSAGE", "_ITEM"})
"""Patterns for what stands in one bracket of an answer, of at most `LONGEST` characters."""
MOST_STEPS: Final = 5_000
"""For one of them: some tens of microseconds."""
READ_BY_OPERATORS: Final = (
    *("proxy.access.key_", "proxy.commands", "proxy.sandbox", "proxy.settings"),
)
"""What is read there comes from whoever runs the proxy."""


def _patterns() -> dict[str, re.Pattern[Any]]:
    """Each pattern once, under the first of its names."""
    modules = [each.name for each in pkgutil.walk_packages(proxy.__path__, "proxy.")]
    named = {
        f"{module}.{name}": value
        for module in modules
        if not module.startswith(READ_BY_OPERATORS) and not module.endswith("__main__")
        for name, value in vars(importlib.import_module(module)).items()
        if isinstance(value, re.Pattern)
    }
    first = {value: name for name, value in reversed(named.items())}
    return {name: value for value, name in first.items()}


PATTERNS: Final = _patterns()


def is_short(name: str) -> bool:
    return name.rpartition(".")[2] in SHORT


def most_growth(
    pattern: re.Pattern[Any], size: int, *, whole: bool = False, in_place: bool = False
) -> tuple[float, str]:
    """How many times the steps of a text that is twice as long, at most, and its beginning."""
    growth = (0.0, "")
    texts = zip(hard_texts(pattern, size), hard_texts(pattern, 2 * size), strict=True)
    for short, long in set(texts):
        once, twice = (
            spans(pattern, text, whole=whole, in_place=in_place)[1] for text in (short, long)
        )
        growth = max(growth, (twice / max(once, size), short[:40]))
    return growth


@pytest.mark.parametrize("name", [each for each in PATTERNS if not is_short(each)])
def test_twice_the_text_takes_at_most_twice_the_steps(name: str) -> None:
    bare = name.rpartition(".")[2]
    how = {"whole": bare in WHOLE, "in_place": bare in IN_PLACE}
    growth, text = most_growth(PATTERNS[name], SIZE, **how)
    assert growth <= 2.5, f"{growth} times the steps for {text!r}…"


@pytest.mark.parametrize("name", [each for each in PATTERNS if is_short(each)])
def test_a_short_text_takes_few_steps(name: str) -> None:
    pattern = PATTERNS[name]
    most = max(spans(pattern, text, in_place=True)[1] for text in hard_texts(pattern, LONGEST))
    assert most <= MOST_STEPS, f"{most} steps"


@pytest.mark.parametrize(
    ("pattern", "size"),
    [(r"<title[^>]*>", SIZE), (r"a+$", SIZE), (r"(?:a|b)*c", 60), (r"\s+$", SIZE), (r"(a+)+b", 7)],
)
def test_a_pattern_that_takes_more_is_noticed(pattern: str, size: int) -> None:
    assert most_growth(re.compile(pattern), size)[0] > 2.5


def test_patterns_are_found() -> None:
    assert {"proxy.core.citations._JSON_STRING", "proxy.core.control_tokens._ANGLED"} <= set(
        PATTERNS
    )
