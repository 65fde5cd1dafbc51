from dataclasses import replace
from typing import Any

import pytest

from proxy.access.clients import ANYBODY, Client, Person
from proxy.access.grants import Grant
from proxy.core.names import READ_TOOL
from proxy.core.plan import Policy
from proxy.core.scope import NOTHING
from proxy.errors import EmptyScope, ModelNotFound, RetrievalNotAllowed
from proxy.settings import Settings
from proxy.settings.policies import Policies
from proxy.upstreams.lighton.scope import LightOnScope


def policies(**given: Any) -> Policies:
    return Policies(Settings(**given), LightOnScope)


def test_the_defaults_are_those_of_the_manual() -> None:
    assert policies().of(None, ANYBODY) == Policy(
        model="llama-3.3-70b-instruct",
        scope=LightOnScope(),
        retrieval="tool",
        max_rounds=4,
        max_searches=8,
        budget_s=240,
        instructions="",
        context=None,
        passage_chars=48_000,
        query_chars=4_000,
        on_search_error="tell_model",
        absent_tools=frozenset({READ_TOOL}),
        search_memory=True,
        memory_chars=12_000,
    )


def test_a_policy_by_itself_has_the_same_defaults_without_memory_and_limit_of_the_query() -> None:
    alone = Policy(
        "llama-3.3-70b-instruct",
        LightOnScope(),
        query_chars=4_000,
        absent_tools=frozenset({READ_TOOL}),
        search_memory=True,
    )
    assert policies().of(None, ANYBODY) == alone


def test_every_setting_reaches_the_policy() -> None:
    scope = {
        "workspace_id": (1, 2),
        "tag_id": (3,),
        "file_id": (4,),
        "content_type": ("legal",),
        "attribute": ("status:active",),
        "max_results": 9,
        "relevance_scoring": "scoring_only",
        "min_relevance": 0.5,
        "unknown_relevance": "drop",
    }
    others = {
        "retrieval": "hybrid",
        "followups": "off",
        "text_calls": "own",
        "progress": "open-webui",
        "max_rounds": 0,
        "max_searches": 2,
        "budget_s": 7.5,
        "instructions": "House rules.",
        "passage_chars": 500,
        "query_chars": 100,
    }
    made = policies(
        **scope,
        **others,
        default_model="m",
        context_instructions="Answer.",
        citing_instructions="Cite.",
        on_search_error="fail",
        json_with_tools=True,
        read_documents=True,
        search_memory=False,
        memory_chars=300,
        when_nothing_found="own_knowledge",
        refusal_text={"fr": "Non."},
        show_scope=True,
    )
    expected = Policy(
        model="m",
        scope=LightOnScope(**scope),  # type: ignore[arg-type]  # one table for settings and scope
        context="Answer.",
        citing="Cite.",
        on_search_error="fail",
        json_with_tools=True,
        search_memory=False,
        memory_chars=300,
        when_nothing_found="own_knowledge",
        refusals={"fr": "Non."},
        show_scope=True,
        **others,  # type: ignore[arg-type]  # as above
    )
    assert made.of(None, ANYBODY) == expected


def test_a_profile_names_the_models_that_answer_in_the_place_of_its_first() -> None:
    made = policies(
        default_model="hr",
        profiles={"hr": {"models": ["a", "b", "c"]}, "it": {}, "x": {"model": "d"}},
    )
    for name, expected in (
        ("hr", ("a", "b", "c")),
        (None, ("a", "b", "c")),
        ("it", ("a", "b", "c")),
        ("x", ("d",)),
        ("other", ("other",)),
    ):
        policy = made.of(name, ANYBODY)
        assert (policy.model, *policy.fallbacks) == expected


def test_a_model_that_is_no_profile_is_asked_for_by_its_name() -> None:
    made = policies(default_model="m", workspace_id=[1], profiles={"hr": {"retrieval": "off"}})
    policy = made.of("other", ANYBODY)
    assert policy.model == "other"
    assert (policy.scope, policy.retrieval) == (LightOnScope(workspace_id=(1,)), "tool")


def test_a_profile_overrides_what_it_sets_and_only_narrows_the_scope() -> None:
    profile = {
        "model": "big",
        "retrieval": "context",
        "workspace_id": [2, 3],
        "tag_id": [7],
        "max_results": 50,
        "instructions": "HR only.",
        "text_calls": "off",
        "progress": "reasoning",
        "read_documents": True,
        "max_rounds": 0,
        "max_searches": 1,
        "budget_s": 1,
    }
    made = policies(
        workspace_id=[1, 2],
        max_results=9,
        instructions="House rules.",
        query_chars=77,
        profiles={"hr": profile},
    )
    policy = made.of("hr", ANYBODY)
    assert policy.scope == LightOnScope(workspace_id=(2,), tag_id=(7,), max_results=9)
    assert (policy.model, policy.retrieval, policy.instructions) == ("big", "context", "HR only.")
    assert (policy.max_rounds, policy.max_searches, policy.budget_s) == (0, 1, 1)
    assert (policy.text_calls, policy.query_chars) == ("off", 77)
    assert policy.progress == "reasoning"
    assert policy.absent_tools == frozenset()
    assert made.of(None, ANYBODY).absent_tools == {READ_TOOL}


def test_a_profile_refuses_in_its_own_words_beside_those_of_the_settings() -> None:
    profile = {"when_nothing_found": "refuse", "refusal_text": {"fr": "Demandez aux RH."}}
    made = policies(refusal_text="Ask IT.", profiles={"hr": profile})
    policy = made.of("hr", ANYBODY)
    assert policy.when_nothing_found == "refuse"
    assert (policy.refusals["fr"], policy.refusals["en"]) == ("Demandez aux RH.", "Ask IT.")
    assert made.of(None, ANYBODY).when_nothing_found == "model"


def test_a_profile_that_sets_nothing_is_the_default() -> None:
    made = policies(default_model="m", retrieval="hybrid", max_rounds=3, profiles={"hr": {}})
    assert made.of("hr", ANYBODY) == made.of(None, ANYBODY) == made.of("m", ANYBODY)


def test_a_profile_may_silence_the_instructions() -> None:
    made = policies(instructions="House rules.", profiles={"hr": {"instructions": ""}})
    assert made.of("hr", ANYBODY).instructions == ""


def test_a_request_without_a_model_gets_the_default_model_be_it_a_profile() -> None:
    profile = {"model": "big", "workspace_id": [2]}
    made = policies(default_model="hr", profiles={"hr": profile})
    assert made.of(None, ANYBODY) == made.of("hr", ANYBODY)
    policy = made.of(None, ANYBODY)
    assert (policy.model, policy.scope) == ("big", LightOnScope(workspace_id=(2,)))


def test_profiles_are_named_in_their_order() -> None:
    assert tuple(policies(profiles={"b": {}, "a": {}}).names.profiles) == ("b", "a")
    assert tuple(policies().names.profiles) == ()


def test_a_profile_that_allows_nothing_is_refused_at_once() -> None:
    with pytest.raises(EmptyScope, match="workspace_id"):
        policies(workspace_id=[1], profiles={"hr": {"workspace_id": [2]}})


def test_a_profile_without_a_model_uses_the_model_behind_the_default() -> None:
    made = policies(default_model="hr", profiles={"hr": {"model": "big"}, "legal": {}})
    assert made.of("legal", ANYBODY).model == "big"


@pytest.mark.parametrize("model", ["HR", "h-r", "hr\u200b"])
def test_what_is_nearly_a_profile_is_no_model(model: str) -> None:
    with pytest.raises(ModelNotFound, match="Did you mean the profile 'hr'"):
        policies(profiles={"hr": {}}).of(model, ANYBODY)


@pytest.mark.parametrize("model", [None, "hr", "other"])
def test_policies_are_the_same_for_every_client_without_restrictions(model: str | None) -> None:
    made = policies(profiles={"hr": {"workspace_id": [1]}}, workspace_id=[1, 2])
    assert made.of(model, Client("ann")) == made.of(model, ANYBODY)


def holding(**grant: Any) -> Client:
    sets: dict[str, Any] = {name: frozenset(each) for name, each in grant.items()}
    return Client("ann", "1", Grant(**sets))


def test_a_keys_workspaces_and_modes_reach_the_policy_beside_those_of_settings_and_profile() -> (
    None
):
    made = policies(workspace_id=[1, 2, 3], profiles={"hr": {"workspace_id": [2, 3]}})
    policy = made.of("hr", holding(workspaces={3, 2}, retrieval={"context"}))
    assert policy.scope == LightOnScope(workspace_id=(2, 3))
    assert policy.granted == (LightOnScope(workspace_id=(2, 3)),)
    assert (policy.retrieval, policy.modes) == ("tool", frozenset({"context"}))
    rest = replace(policy, granted=(), modes=None)
    assert rest == made.of("hr", ANYBODY)


def test_a_key_without_workspaces_opens_nothing() -> None:
    assert policies().of(None, holding(workspaces=())).granted == (NOTHING,)
    assert policies().of(None, holding(retrieval={"tool"})).granted == ()


@pytest.mark.parametrize(
    "grant", [{"profiles": ()}, {"profiles": {"legal"}, "models": {"other"}}, {"profiles": {"HR"}}]
)
def test_a_default_that_a_key_may_not_use_is_not_told(grant: dict[str, Any]) -> None:
    made = policies(default_model="hr", profiles={"hr": {"model": "big"}, "legal": {}})
    with pytest.raises(ModelNotFound, match="GET /v1/models lists what it may use") as caught:
        made.of(None, holding(**grant))
    assert "hr" not in caught.value.message.replace("this", "")
    assert caught.value.__cause__ is None


def test_a_default_model_that_is_no_profile_must_be_among_a_keys_models() -> None:
    made = policies(default_model="m", profiles={"hr": {"model": "big"}})
    with pytest.raises(ModelNotFound):
        made.of(None, holding(models={"big"}, profiles={"hr"}))
    assert made.of(None, holding(models={"m"}, profiles={"hr"})).model == "m"


def test_the_reach_of_a_client_is_what_settings_profile_key_and_rules_let_it_search() -> None:
    made = policies(workspace_id=[1, 2, 3], profiles={"hr": {"workspace_id": [2]}, "same": {}})
    ann = holding(workspaces={1, 2})
    carol = replace(ann, person=Person("carol"), of_person=Grant(frozenset({2, 9})))
    reach = made.reach("same", ann)
    assert reach.workspaces == frozenset({1, 2})
    assert made.reach("same", carol).workspaces == frozenset({2})
    assert made.reach("same", ANYBODY).workspaces is None
    assert made.reach("same", ANYBODY).scope == made.reach(None, carol).scope == reach.scope
    assert made.reach("hr", ann).scope != reach.scope


def test_a_change_of_what_may_be_searched_or_with_whose_key_is_another_reach() -> None:
    narrower, same = policies(workspace_id=[1]), policies(workspace_id=[1, 2])
    ann = holding()
    reach = policies(workspace_id=[1, 2]).reach(None, ann)
    assert same.reach(None, ann) == reach
    assert not narrower.reach(None, ann).covers(reach)
    with_own_key = replace(ann, grant=Grant(lighton_key_env="OWN"))
    assert not same.reach(None, with_own_key).covers(reach)


def test_a_model_that_the_client_may_not_use_has_no_reach() -> None:
    made = policies(profiles={"hr": {}})
    with pytest.raises(ModelNotFound):
        made.reach("hr", holding(profiles=()))


def reach(grant: Grant, **given: Any) -> list[tuple[int, ...] | None]:
    """The workspaces of each scope that a client reaches without a model."""
    scopes = policies(**given).open_to(Client("k", "id", grant))
    return [each.workspace_id for each in scopes if isinstance(each, LightOnScope)]


@pytest.mark.parametrize(
    ("grant", "found"),
    [
        (Grant(), [None]),
        (Grant(workspaces=frozenset({1})), [(1,)]),
        (Grant(workspaces=frozenset()), []),
        (Grant(models=frozenset({"m"})), [None]),
        (Grant(models=frozenset({"narrow", "Wide"})), [(2,), (1, 2)]),  # those are no models
        (Grant(models=frozenset()), [(2,), (1, 2)]),  # that of the default model first
        (Grant(models=frozenset(), profiles=frozenset({"wide"})), [(1, 2)]),
        (Grant(models=frozenset(), workspaces=frozenset({1})), [(1,)]),
        (Grant(models=frozenset(), profiles=frozenset()), []),
        (Grant(retrieval=frozenset({"off", "context"})), [None]),
    ],
)
def test_who_may_name_profiles_only_reaches_what_they_open(
    grant: Grant, found: list[tuple[int, ...] | None]
) -> None:
    profiles = {"wide": {"workspace_id": [1, 2]}, "narrow": {"workspace_id": [2]}}
    assert reach(grant, profiles=profiles, default_model="narrow") == found


@pytest.mark.parametrize("modes", [{"off"}, set()])
def test_who_may_not_search_reaches_nothing_at_all(modes: set[str]) -> None:
    with pytest.raises(RetrievalNotAllowed, match="may not search"):
        reach(Grant(retrieval=frozenset(modes)))
