"""From settings to policies: the rules for a request, by the model it names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Final, TypeVar

import orjson

from proxy.access.clients import Client
from proxy.access.grants import Grant
from proxy.access.reach import Reach
from proxy.core.instructions import CITING
from proxy.core.names import READ_TOOL
from proxy.core.plan import Policy
from proxy.core.scope import NOTHING, Scope, common_scope
from proxy.errors import EmptyScope, ModelNotFound, RetrievalNotAllowed
from proxy.settings.model_names import ModelNames
from proxy.settings.profiles import MakeScope, Profile
from proxy.settings.schema import Settings

T = TypeVar("T")
_NO_PROFILE: Final = Profile()


class Policies:
    """The policy of every profile, and of any other model. The app builds it once, at start-up.

    Raises EmptyScope for a profile that allows nothing of what the settings allow.
    """

    def __init__(self, settings: Settings, make_scope: MakeScope) -> None:
        self._settings = settings
        self._make_scope = make_scope
        self._default = _policy(settings, _NO_PROFILE, make_scope)
        self._profiles = {
            name: _policy(settings, profile, make_scope)
            for name, profile in settings.profiles.items()
        }
        self.names = ModelNames(self._profiles)

    def of(self, model: str | None, client: Client) -> Policy:
        """The policy for a request of `client` that names `model`: a profile, a model, or nothing.

        Raises ModelNotFound for a name that the client may not use.
        """
        grant = client.allowed
        name = self._default_of(grant) if model is None else model
        is_profile = self.names.is_profile(name, grant)
        policy = (
            self._profiles[name] if is_profile else replace(self._default, model=name, fallbacks=())
        )
        if grant.workspaces is None and grant.retrieval is None:
            return policy
        return replace(policy, granted=self.granted_to(client), modes=grant.retrieval)

    def open_to(self, client: Client) -> tuple[Scope, ...]:
        """What a client may search that names no model: one scope, or one of each profile.

        A client that may name nothing but profiles reaches what they do, and no more. None is left
        if nothing is open to it. Raises RetrievalNotAllowed for a client that may not search.
        """
        grant = client.allowed
        if grant.retrieval is not None and not grant.retrieval - {"off"}:
            raise RetrievalNotAllowed("This API key may not search.")
        widest = [self._default.scope]
        if not self.names.may_name_model(grant):
            names = self.names.profiles_of(grant)
            names.sort(key=lambda name: name != self._settings.default_model)
            widest = [self._profiles[name].scope for name in names]
        granted = self.granted_to(client)
        return tuple(each for scope in widest for each in _left_of(scope, granted))

    def granted_to(self, client: Client) -> tuple[Scope, ...]:
        """What key and person may each search, whatever settings and profile say.

        Who is not restricted has no part in it.
        """
        granted: list[Scope] = []
        for workspaces in (client.grant.workspaces, client.of_person.workspaces):
            if workspaces:
                granted.append(self._make_scope(workspace_id=tuple(sorted(workspaces))))
            elif workspaces is not None:
                granted.append(NOTHING)
        return tuple(granted)

    def reach(self, model: str | None, client: Client) -> Reach:
        """What a request of `client` can search that names `model`. Raises ModelNotFound."""
        scope = self.of(model, client).scope.identity, client.grant.lighton_key_env
        written = orjson.dumps(scope, option=orjson.OPT_SORT_KEYS)
        return Reach(hashlib.sha256(written).hexdigest(), client.allowed.workspaces)

    def _default_of(self, grant: Grant) -> str:
        """The default model. The error for a client that may not use it does not tell its name."""
        name = self._settings.default_model
        try:
            self.names.is_profile(name, grant)
        except ModelNotFound:
            raise ModelNotFound(
                "The request names no 'model', and this API key may not use the proxy's default. "
                "GET /v1/models lists what it may use.",
                param="model",
            ) from None
        return name


def _left_of(scope: Scope, granted: tuple[Scope, ...]) -> Iterator[Scope]:
    """What all of them allow, unless that is nothing."""
    with suppress(EmptyScope):
        yield common_scope(scope, *granted)


def _policy(settings: Settings, profile: Profile, make_scope: MakeScope) -> Policy:
    scope, narrower = (make_scope(**each.scope_fields) for each in (settings, profile))
    default = settings.profiles.get(settings.default_model, _NO_PROFILE)
    model, *fallbacks = profile.answering or default.answering or (settings.default_model,)
    reads = _first(profile.read_documents, settings.read_documents)
    return Policy(
        model=model,
        scope=common_scope(scope, narrower),
        retrieval=profile.retrieval or settings.retrieval,
        followups=profile.followups or settings.followups,
        max_rounds=_first(profile.max_rounds, settings.max_rounds),
        max_searches=_first(profile.max_searches, settings.max_searches),
        budget_s=_first(profile.budget_s, settings.budget_s),
        instructions=_first(profile.instructions, settings.instructions),
        context=settings.context_instructions,
        citing=_first(settings.citing_instructions, CITING),
        citation_numbers=profile.citation_numbers or settings.citation_numbers,
        answer_links=profile.answer_links or settings.answer_links,
        link_hosts=frozenset(host.lower() for host in settings.link_hosts),
        passage_chars=settings.passage_chars,
        max_answer_chars=settings.max_answer_chars,
        query_chars=settings.query_chars,
        text_calls=_first(profile.text_calls, settings.text_calls),
        progress=profile.progress or settings.progress,
        search_memory=_first(profile.search_memory, settings.search_memory),
        memory_chars=settings.memory_chars,
        absent_tools=frozenset(() if reads else (READ_TOOL,)),
        json_with_tools=settings.json_with_tools,
        when_nothing_found=profile.when_nothing_found or settings.when_nothing_found,
        refusals={**(settings.refusal_text or {}), **(profile.refusal_text or {})},
        on_search_error=settings.on_search_error,
        fallbacks=tuple(fallbacks),
        show_scope=settings.show_scope,
    )


def _first(value: T | None, otherwise: T) -> T:
    return otherwise if value is None else value
