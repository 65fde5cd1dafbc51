from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.access.clients import Client, Person
from proxy.access.grants import EVERYTHING, Grant, Limits, sum_of
from proxy.access.rules import EVERYBODY, Rule, Rules
from proxy.errors import NoAccess
from tests.support.steps import steps_of

KEY = Client("webui", "k_1", Grant(frozenset({1, 2})))
ANN = Person("ann@example.com", frozenset({"hr", "staff", "IT"}))
BOB = Person("bob@example.com")
FIELDS = ("workspaces", "profiles", "models", "retrieval")


def opened(*rules: Rule, person: Person = ANN) -> Grant:
    return Rules(rules).admit(KEY, person).of_person


def is_admitted(*rules: Rule, person: Person = ANN) -> bool:
    try:
        opened(*rules, person=person)
    except NoAccess:
        return False
    return True


def test_an_admitted_person_asks_through_the_key_that_stays_what_it_is() -> None:
    grant = Grant(frozenset({2, 3}), limits=Limits(concurrent=2))
    client = Rules([Rule(grant, group="hr")]).admit(KEY, ANN)
    assert (client.name, client.id, client.grant) == (KEY.name, KEY.id, KEY.grant)
    assert (client.person, client.of_person) == (ANN, grant)


def test_whom_no_rule_fits_is_told_whom_to_ask() -> None:
    for rules in ((), (Rule(EVERYTHING, group="legal"), Rule(EVERYTHING, user="bob@example.com"))):
        with pytest.raises(NoAccess, match=r"open nothing to 'ann@example.com'.* Ask the operator"):
            opened(*rules)


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        (Rule(EVERYTHING, group="hr"), True),
        (Rule(EVERYTHING, group="HR"), False),
        (Rule(EVERYTHING, group="it"), False),
        (Rule(EVERYTHING, group="h"), False),
        (Rule(EVERYTHING, group="*"), False),
        (Rule(EVERYTHING, group="ann@example.com"), False),
        (Rule(EVERYTHING, user="ann@example.com"), True),
        (Rule(EVERYTHING, user="bob@example.com"), False),
        (Rule(EVERYTHING, user="hr"), False),
        (Rule(EVERYTHING, user=EVERYBODY), True),
    ],
)
def test_a_rule_fits_its_group_or_its_user_and_nobody_else(rule: Rule, *, fits: bool) -> None:
    assert (rule.fits(ANN), is_admitted(rule)) == (fits, fits)


def test_a_person_whose_name_is_the_sign_for_everybody_is_one_of_them() -> None:
    rules = (Rule(Grant(frozenset({1})), user="*"), Rule(Grant(frozenset({2})), user="ann"))
    assert opened(*rules, person=Person("*")).workspaces == frozenset({1})


def test_a_person_without_groups_is_not_in_a_group_without_a_name() -> None:
    assert not is_admitted(Rule(EVERYTHING, user="someone"), person=Person("x", frozenset({""})))


def test_rules_add_up() -> None:
    assert opened(
        Rule(Grant(frozenset({1}), frozenset({"a"}), frozenset(), frozenset({"tool"})), group="hr"),
        Rule(
            Grant(frozenset({2}), frozenset(), frozenset({"m"}), frozenset({"off"})), group="staff"
        ),
        Rule(Grant(frozenset({3}), limits=Limits(9)), group="legal"),
    ) == Grant(frozenset({1, 2}), frozenset({"a"}), frozenset({"m"}), frozenset({"tool", "off"}))


def test_of_each_limit_the_highest_counts_that_a_rule_names() -> None:
    found = opened(
        Rule(Grant(limits=Limits(10, 500, 3)), group="hr"),
        Rule(Grant(limits=Limits(20, 100, monthly_tokens=7)), group="staff"),
        Rule(Grant(), user=ANN.name),
        Rule(Grant(limits=Limits(99)), user=BOB.name),
    )
    assert found.limits == Limits(20, 500, 3, None, 7)


def test_other_rules_hold_as_soon_as_they_are_taken() -> None:
    rules = Rules([Rule(EVERYTHING, group="hr")])
    rules.take([Rule(Grant(frozenset({7})), group="staff")])
    assert rules.admit(KEY, ANN).of_person == Grant(frozenset({7}))
    rules.take([])
    with pytest.raises(NoAccess):
        rules.admit(KEY, ANN)


def a_set(of: str) -> st.SearchStrategy[frozenset[str] | None]:
    return st.none() | st.frozensets(st.sampled_from(of))


limit = st.none() | st.integers(1, 5)
grants = st.builds(
    Grant,
    workspaces=st.none() | st.frozensets(st.integers(1, 3)),
    profiles=a_set("ab"),
    models=a_set("xy"),
    retrieval=a_set("to"),
    limits=st.builds(Limits, limit, limit, limit, limit, limit),
)
some_rules = st.lists(
    st.builds(Rule, grants, group=st.sampled_from("ghi"))
    | st.builds(Rule, grants, user=st.sampled_from(["ann", "bob", "*"])),
    max_size=5,
)
people = st.builds(Person, st.sampled_from(["ann", "bob"]), st.frozensets(st.sampled_from("ghi")))


def allows(grant: Grant, more: Grant) -> bool:
    """Whether `grant` allows all that `more` does, and names no lower limit."""
    for name in FIELDS:
        left, right = getattr(grant, name), getattr(more, name)
        if left is not None and (right is None or not right <= left):
            return False
    limits = [(getattr(grant.limits, f.name), getattr(more.limits, f.name)) for f in fields(Limits)]
    return all(right is None or (left is not None and left >= right) for left, right in limits)


@given(rules=some_rules, more=some_rules, person=people)
def test_more_rules_never_take_away(rules: list[Rule], more: list[Rule], person: Person) -> None:
    if is_admitted(*rules, person=person):
        wider = opened(*more, *rules, person=person)
        assert allows(wider, opened(*rules, person=person))


@given(rules=some_rules, person=people)
def test_a_person_gets_what_the_fitting_rules_open_and_nothing_else(
    rules: list[Rule], person: Person
) -> None:
    fitting = [each for each in rules if each.fits(person)]
    assert is_admitted(*rules, person=person) == bool(fitting)
    if not fitting:
        return
    found = opened(*rules, person=person)
    assert found == opened(*fitting, person=person) == sum_of(each.grant for each in fitting)
    for name in FIELDS:
        parts = [getattr(each.grant, name) for each in fitting]
        whole = None if None in parts else frozenset().union(*parts)
        assert getattr(found, name) == whole


@given(rules=some_rules, person=people)
def test_groups_that_a_person_does_not_have_open_nothing(rules: list[Rule], person: Person) -> None:
    own = [each for each in rules if not each.group or each.group in person.groups]
    assert is_admitted(*own, person=person) == is_admitted(*rules, person=person)
    if is_admitted(*own, person=person):
        assert opened(*own, person=person) == opened(*rules, person=person)


def test_a_request_costs_the_same_however_many_rules_there_are() -> None:
    def steps(count: int) -> int:
        many = [Rule(EVERYTHING, group=f"g{n}") for n in range(count)]
        many += [Rule(EVERYTHING, user=f"u{n}") for n in range(count)]
        rules = Rules([*many, Rule(EVERYTHING, group="hr")])
        rules.admit(KEY, ANN)
        return steps_of(lambda: rules.admit(KEY, ANN))

    assert steps(10_000) < 1.5 * steps(10)


def test_many_rules_for_one_group_are_added_up_once() -> None:
    def steps(count: int) -> int:
        each = [Rule(Grant(frozenset({n})), group="hr") for n in range(count)]
        return steps_of(lambda: Rules(each))

    assert steps(2_000) < 11 * steps(200)
