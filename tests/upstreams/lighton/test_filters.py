"""OpenAI's filters as LightOn's attributes, against an evaluator of each over documents."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.errors import BadRequest
from proxy.sandbox.documents.facets import parse_attribute
from proxy.upstreams.lighton.filters import MAX_DEPTH, attributes_of
from proxy.upstreams.lighton.wish import MAX_ENTRIES, MAX_ENTRY_CHARS
from tests.core.samples import JSON

Value = str | float | bool
Document = Mapping[str, list[Value]]
"""The values of each attribute. All those of one attribute have its type, as at LightOn."""

COMPARES: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
NUMBERS = st.one_of(
    st.integers(-5, 5), st.sampled_from([-1.5, 0.25, 2.0, 1e16, 1e-7, 1e300, 2.5e-300])
)
TEXTS = st.sampled_from(["new", "old", "in force", "a-b", "ä", "(x)", "n/a", "50%"])
DATES = st.dates(date(2025, 12, 30), date(2026, 1, 3)).map(date.isoformat)
TYPES: Mapping[str, st.SearchStrategy[Any]] = {
    "year": NUMBERS,
    "size_kb": NUMBERS,
    "status": TEXTS,
    "owner": TEXTS,
    "signed": DATES,
    "active": st.booleans(),
}
DOCUMENTS = st.fixed_dictionaries(
    {}, optional={name: st.lists(values, min_size=1, max_size=2) for name, values in TYPES.items()}
)


TRUE = True
UNFIT: tuple[object, ...] = (
    *(None, "", [1], {}, " a", "a ", "a,b", "a|b", "a*", "10:30", "a\nb"),
    *(">5", "<5", "=5", "!5", float("inf")),
)
"""Values that no entry can look for."""


def eq(key: object, value: object) -> dict[str, object]:
    return {"type": "eq", "key": key, "value": value}


def leaf(name: str) -> st.SearchStrategy[dict[str, Any]]:
    values = TYPES[name]
    kinds = [
        st.tuples(st.just("eq"), values),
        st.tuples(st.just("in"), st.lists(values, min_size=1, max_size=3)),
    ]
    if name in ("year", "size_kb", "signed"):
        kinds.append(st.tuples(st.sampled_from(sorted(COMPARES)), values))
    return st.one_of(kinds).map(lambda each: {"type": each[0], "key": name, "value": each[1]})


def compound(children: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        lambda kind, filters: {"type": kind, "filters": filters},
        st.sampled_from(["and", "or"]),
        st.lists(children, min_size=1, max_size=3),
    )


FILTERS = st.recursive(st.sampled_from(sorted(TYPES)).flatmap(leaf), compound, max_leaves=6)


def passes(document: Document, wanted: Any) -> bool:
    """Whether a document passes OpenAI's filters."""
    kind = wanted["type"]
    if kind in ("and", "or"):
        return (all if kind == "and" else any)(passes(document, each) for each in wanted["filters"])
    present, value = document.get(wanted["key"], ()), wanted["value"]
    if kind in COMPARES:
        return any(COMPARES[kind](each, value) for each in present)
    return any(each in (value if kind == "in" else [value]) for each in present)


def is_found(document: Document, entries: tuple[str, ...]) -> bool:
    """Whether the stand-in's search finds a document by some attributes."""
    stored = {name: tuple(map(_stored, values)) for name, values in document.items()}
    for entry in entries:
        wanted = parse_attribute(entry)
        assert wanted is not None
        if not wanted.matches((), stored):
            return False
    return True


def _stored(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value
    return str(int(value)) if float(value).is_integer() else f"{Decimal(repr(value)):f}"


@example({"type": "eq", "key": "size_kb", "value": 1e-07}, [{"size_kb": (1e-07,)}])
@example({"type": "in", "key": "size_kb", "value": [1e300, 2.5e-300]}, [{}])
@given(FILTERS, st.lists(DOCUMENTS, min_size=1, max_size=8))
def test_attributes_find_the_documents_that_pass_the_filters_and_no_other(
    filters: Any, documents: list[Document]
) -> None:
    try:
        entries = attributes_of(filters, "filters")
    except BadRequest as error:
        refused = error.message
    else:
        for document in documents:
            assert is_found(document, entries) == passes(document, filters)
        return
    # All else can be said, if it is short enough.
    assert "this 'or'" in refused or "characters in all" in refused


@given(JSON)
def test_whatever_is_no_filter_is_refused_by_a_name_within_the_parameter(filters: Any) -> None:
    if filters is None:
        assert attributes_of(filters, "tools[0].filters") == ()
        return
    with pytest.raises(BadRequest) as caught:
        attributes_of(filters, "tools[0].filters")
    assert (caught.value.param or "").startswith("tools[0].filters")


@pytest.mark.parametrize(
    ("filters", "entries"),
    [
        (eq("year", 2026), ("year:2026",)),
        (eq("year", 2026.0), ("year:2026",)),
        (eq("ratio", 1e-7), ("ratio:0.0000001",)),
        (eq("active", TRUE), ("active:true",)),
        (eq("status", "in force"), ("status:in force",)),
        ({"type": "in", "key": "year", "value": [2025, 2026, 2025]}, ("year:2025|2026",)),
        ({"type": "in", "key": "status", "value": ["new"]}, ("status:new",)),
        ({"type": "gt", "key": "year", "value": -3}, ("year:>-3",)),
        ({"type": "gte", "key": "signed", "value": "2026-01-31"}, ("signed:>=2026-01-31",)),
        ({"type": "lt", "key": "year", "value": 1.5}, ("year:<1.5",)),
        ({"type": "lte", "key": "year", "value": 2}, ("year:<=2",)),
        (
            {"type": "and", "filters": [eq("a", 1), {"type": "and", "filters": [eq("b", 2)]}]},
            ("a:1", "b:2"),
        ),
        ({"type": "and", "filters": [eq("a", 1), eq("a", 1)]}, ("a:1",)),
        (
            {"type": "or", "filters": [eq("a", 1), {"type": "in", "key": "a", "value": [2, 1]}]},
            ("a:1|2",),
        ),
        ({"type": "or", "filters": [{"type": "gt", "key": "a", "value": 1}]}, ("a:>1",)),
        (
            {
                "type": "and",
                "filters": [{"type": "or", "filters": [eq("a", 1), eq("a", 2)]}, eq("b", 3)],
            },
            ("a:1|2", "b:3"),
        ),
    ],
)
def test_what_the_grammar_can_say_is_said(filters: object, entries: tuple[str, ...]) -> None:
    assert attributes_of(filters, "filters") == entries


@pytest.mark.parametrize(
    ("filters", "param"),
    [
        ({"type": "ne", "key": "a", "value": 1}, "filters.type"),
        ({"type": "nin", "key": "a", "value": [1]}, "filters.type"),
        ({"type": "contains", "key": "a", "value": "x"}, "filters.type"),
        ({"key": "a", "value": "x"}, "filters.type"),
        ({"type": ["eq"], "key": "a", "value": "x"}, "filters.type"),
        ({"type": "and", "filters": [eq("a", 1), {"type": "ne"}]}, "filters.filters[1].type"),
        ({"type": "and", "filters": []}, "filters.filters"),
        ({"type": "and", "filters": [eq("a", 1)], "filter": []}, "filters"),
        ({"type": "and"}, "filters.filters"),
        ({"type": "or", "filters": [eq("a", 1), eq("b", 1)]}, "filters"),
        (
            {"type": "or", "filters": [eq("a", 1), {"type": "gt", "key": "a", "value": 2}]},
            "filters",
        ),
        (
            {"type": "or", "filters": [{"type": "gt", "key": "a", "value": 2}, eq("a", 1)]},
            "filters",
        ),
        (
            {
                "type": "or",
                "filters": [eq("a", 1), {"type": "and", "filters": [eq("a", 2), eq("a", 3)]}],
            },
            "filters",
        ),
        ({**eq("a", 1), "values": [2]}, "filters"),
        ({"type": "eq", "value": 1}, "filters.key"),
        *((eq(key, 1), "filters.key") for key in ("", "a:b", "a.b", "a b", "a|b", "x" * 65, 5)),
        *((eq("a", value), "filters.value") for value in UNFIT),
        ({"type": "in", "key": "a", "value": []}, "filters.value"),
        ({"type": "in", "key": "a", "value": "b"}, "filters.value"),
        ({"type": "in", "key": "a", "value": ["b", "c|d"]}, "filters.value[1]"),
        *(
            ({"type": "gt", "key": "a", "value": value}, "filters.value")
            for value in ("5", "b", "2026", "2026-01", "2026-02-30", TRUE, None, [5])
        ),
    ],
)
def test_what_it_cannot_say_is_refused_and_named(filters: object, param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        attributes_of(filters, "filters")
    assert caught.value.param == param


def test_the_error_for_what_cannot_be_done_says_what_can() -> None:
    with pytest.raises(BadRequest, match=r"cannot do 'ne'.* values \(eq, in\), compare numbers"):
        attributes_of({"type": "ne", "key": "a", "value": 1}, "filters")


@pytest.mark.parametrize(
    "filters",
    [
        eq("a", "x" * MAX_ENTRY_CHARS),
        {"type": "or", "filters": [eq("a", "x" * 300), eq("a", "y" * 300)]},
    ],
)
def test_no_entry_is_longer_than_one_of_a_wish(filters: object) -> None:
    with pytest.raises(BadRequest, match="500 characters"):
        attributes_of(filters, "filters")


def test_there_are_no_more_entries_than_in_a_wish() -> None:
    many = [eq("a", number) for number in range(MAX_ENTRIES + 1)]
    assert len(attributes_of({"type": "and", "filters": many[1:]}, "filters")) == MAX_ENTRIES
    with pytest.raises(BadRequest, match="1000 comparisons"):
        attributes_of({"type": "and", "filters": many}, "filters")


def test_filters_may_not_be_nested_without_end() -> None:
    filters: dict[str, object] = eq("a", 1)
    for _ in range(MAX_DEPTH):
        filters = {"type": "and", "filters": [filters]}
    assert attributes_of(filters, "filters") == ("a:1",)
    with pytest.raises(BadRequest, match="nested 10 deep"):
        attributes_of({"type": "or", "filters": [filters]}, "filters")


def test_no_filters_filter_nothing() -> None:
    assert attributes_of(None, "filters") == ()
