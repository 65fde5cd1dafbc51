"""Checks before the proxy serves, beyond the validity of each single setting."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from proxy.access.identity import is_read_as_token
from proxy.access.loopback import is_loopback_host
from proxy.core.inflight import BODY_COST
from proxy.core.lookalikes import Names
from proxy.errors import EmptyScope, SettingsError
from proxy.settings.messages import misspelt
from proxy.settings.profiles import MakeScope, Profile
from proxy.settings.schema import Settings
from proxy.settings.sources import CLIENT_KEY, environment_names

LIGHTON_CONSOLE = "https://console.lighton.ai"
SCALEWAY_CONSOLE = "https://console.scaleway.com/iam/api-keys"
SHORTEST_KEY = 20
"""How many characters make a client key hard to guess."""


def require_upstream_keys(settings: Settings, variables: Iterable[str] = ()) -> None:
    """Raise SettingsError if a key for LightOn or Scaleway is missing.

    `variables` are the names of the variables that are set: one may be a misspelt key.
    """
    problems = _without_search_key(settings, variables)
    if settings.scaleway_api_key is None:
        problems.append(
            _not_set("scaleway_api_key", variables)
            + f": create an API key at {SCALEWAY_CONSOLE} and use its secret key (SCW_SECRET_KEY "
            "also works)"
        )
    if problems:
        raise SettingsError(*problems, "to try it without keys: rag-proxy demo")


def require_search_key(settings: Settings, variables: Iterable[str] = ()) -> None:
    """As `require_upstream_keys`, for what asks LightOn only."""
    if problems := _without_search_key(settings, variables):
        raise SettingsError(*problems)


def _without_search_key(settings: Settings, variables: Iterable[str]) -> list[str]:
    if settings.lighton_api_key is not None:
        return []
    told = _not_set("lighton_api_key", variables)
    return [f"{told}: create an API key at {LIGHTON_CONSOLE} (CONSOLE_API_KEY also works)"]


def check_profiles(settings: Settings, make_scope: MakeScope) -> None:
    """Raise SettingsError for profiles that no request could use."""
    problems = []
    scope = make_scope(**settings.scope_fields)
    for name, profile in settings.profiles.items():
        try:
            scope.narrow(make_scope(**profile.scope_fields))
        except EmptyScope as error:
            field = str(error.param).rpartition(".")[2]
            problems.append(f"profiles.{name}.{field}: the settings' {field} allows none of it")
        problems += [
            f"profiles.{name}.{_place(profile)}: {model} is a profile; name a Scaleway model"
            for model in profile.answering
            if model != name and model in settings.profiles
        ]
    if meant := Names(settings.profiles).nearly(settings.default_model):
        problems.append(
            f"default_model: nearly names the profile {meant}: write its exact name, or give the "
            "profile another one"
        )
    default = settings.profiles.get(settings.default_model)
    if default is not None and not default.answering:
        problems.append(
            f"profiles.{settings.default_model}.model: must be set, because default_model names "
            "this profile"
        )
    if problems:
        raise SettingsError(*problems)


def _place(profile: Profile) -> str:
    """The key of a profile that names its models."""
    return "model" if profile.models is None else "models"


def check_exposure(settings: Settings) -> None:
    """Raise SettingsError if the proxy would answer other machines without asking for a key.

    A web page of another origin counts as another machine.
    """
    if not settings.has_keys and "*" in (settings.cors_origins or ()):
        raise SettingsError(
            "cors_origins: '*' without client keys would let any web page read the company's "
            "documents; set RAG_PROXY_API_KEYS, or name the origins"
        )
    if is_loopback_host(settings.host):
        return
    if settings.has_keys:
        for short in _short_keys(settings):
            raise SettingsError(f"refusing to listen on {settings.host}: {short}")
        return
    if not _is_known(settings.host):
        raise SettingsError(
            f"cannot listen on {settings.host}: it is neither an IP address nor a name that "
            "resolves to one"
        )
    raise SettingsError(
        f"refusing to listen on {settings.host} without client keys: anyone who reaches the port "
        "could read the company's documents; set RAG_PROXY_KEYS_FILE or RAG_PROXY_API_KEYS, or use "
        "--host 127.0.0.1"
    )


def refuse_lone_client_key(settings: Settings, variables: Iterable[str]) -> None:
    """Raise SettingsError if one of the set `variables` looks like a client key, and none is set.

    Whoever wrote it most likely believes that the proxy asks for it.
    """
    if CLIENT_KEY in variables and not settings.has_keys:
        raise SettingsError(
            f"{CLIENT_KEY} is the key that `rag-proxy ask` sends, and protects nothing: did you "
            "mean RAG_PROXY_API_KEYS? If not, unset it: this proxy has no client keys"
        )


def warnings_of(settings: Settings) -> tuple[str, ...]:
    """One line for each setting that works less well than its user may expect."""
    return (
        *_short_keys(settings),
        *_keys_beside_file(settings),
        *_keys_like_tokens(settings),
        *_forwards_without_keys(settings),
        *_in_clear(settings),
        *_keys_in_clear(settings),
        *_apart(settings),
        *_too_long(settings),
        *_too_little_memory(settings),
        *_never_refusing(settings),
        *_limits_apart(settings),
        *_long_queue(settings),
        *_uncounted(settings),
    )


def _short_keys(settings: Settings) -> Iterator[str]:
    lengths = [len(key.get_secret_value()) for key in settings.api_keys]
    places = ", ".join(str(n) for n, length in enumerate(lengths, 1) if length < SHORTEST_KEY)
    if places:
        yield (
            f"api_keys: a key of fewer than {SHORTEST_KEY} characters can be guessed (number "
            f"{places} of {len(lengths)}); make keys with: openssl rand -hex 24"
        )


def _keys_beside_file(settings: Settings) -> Iterator[str]:
    if settings.api_keys and settings.keys_file is not None:
        yield (
            "api_keys beside keys_file: each of these keys opens all that the settings allow, "
            "without limits; make keys that open less with: rag-proxy keys add NAME"
        )


def _keys_like_tokens(settings: Settings) -> Iterator[str]:
    keys = [key.get_secret_value() for key in settings.api_keys]
    places = ", ".join(str(n) for n, key in enumerate(keys, 1) if is_read_as_token(key))
    if places and settings.issuer_url is not None:
        yield (
            "api_keys beside identity.oidc: a key of three parts with dots between is read as a "
            f"token and opens nothing (number {places} of {len(keys)}); make keys with: openssl "
            "rand -hex 24"
        )


def _forwards_without_keys(settings: Settings) -> Iterator[str]:
    if settings.allow_forwarded and not settings.has_keys:
        yield (
            "allow_forwarded without client keys: anyone who reaches a reverse proxy in front of "
            "this port can read the company's documents"
        )


def _in_clear(settings: Settings) -> Iterator[str]:
    """Upstreams whose key and documents anyone on the path can read."""
    for setting in ("lighton_base_url", "scaleway_base_url"):
        parts = urlsplit(getattr(settings, setting))
        if parts.scheme == "http" and not is_loopback_host(parts.hostname or ""):
            yield (
                f"{environment_names(setting)[0]} begins with http://: the key and the documents "
                f"go to {parts.hostname} in clear; use https:// if it answers there"
            )


def _keys_in_clear(settings: Settings) -> Iterator[str]:
    """Issuers whose keys anyone on the path can replace."""
    if settings.identity is None or settings.identity.oidc is None:
        return
    for name, address in settings.identity.oidc.addresses.items():
        parts = urlsplit(address)
        if parts.scheme == "http" and not is_loopback_host(parts.hostname or ""):
            yield (
                f"{name} begins with http://: whoever is on the way to {parts.hostname} can be "
                "anybody here; use https://"
            )


def _apart(settings: Settings) -> Iterator[str]:
    if settings.workers > 1 and settings.redis_url is None:
        yield (
            f"each of the {settings.workers} workers keeps its own hidden parts of answers that "
            "wait for a client's tools, its own memory of searches and its own stored responses: "
            "if a client's next request reaches another worker, the model searches again, and the "
            "response that it goes on from is not found (404); set RAG_PROXY_REDIS_URL to share "
            "them"
        )


def _never_refusing(settings: Settings) -> Iterator[str]:
    """Where an answer is refused if nothing is found, but LightOn always finds something."""
    places: dict[str, Settings | Profile] = {"": settings}
    places |= {f"profiles.{name}.": profile for name, profile in settings.profiles.items()}
    for place, each in places.items():
        minimum = settings.min_relevance if each.min_relevance is None else each.min_relevance
        searches = not place or (each.retrieval or settings.retrieval) != "off"
        if searches and each.when_nothing_found == "refuse" and minimum is None:
            yield (
                f"{place}when_nothing_found = refuse without min_relevance: LightOn returns its "
                "best results even when none is relevant, so hardly any answer is refused; set "
                f"{place}min_relevance"
            )


def _too_long(settings: Settings) -> Iterator[str]:
    """Times that are over only after that for all of an answer."""
    most = settings.answer_timeout_s
    times = {"budget_s": settings.budget_s, "round_idle_s": settings.round_idle_s}
    for name, profile in settings.profiles.items():
        if profile.budget_s is not None:
            times[f"profiles.{name}.budget_s"] = profile.budget_s
    effects = {"budget_s": "answers end before the model must stop searching"}
    for name, seconds in times.items():
        if seconds >= most:
            effect = effects.get(name.rpartition(".")[2], "answers end before silent rounds do")
            yield f"{name} ({seconds:g}) is not below answer_timeout_s ({most:g}): {effect}"


def _too_little_memory(settings: Settings) -> Iterator[str]:
    needs = settings.max_body_bytes * BODY_COST
    if needs > settings.max_inflight_bytes:
        yield (
            f"max_inflight_bytes ({settings.max_inflight_bytes}) is less than {BODY_COST} times "
            f"max_body_bytes, so the largest requests are always refused; make it {needs}, or "
            "lower max_body_bytes"
        )


def _limits_apart(settings: Settings) -> Iterator[str]:
    limits = (
        "requests_per_minute",
        "tokens_per_minute",
        "max_concurrent_answers",
        "daily_tokens",
        "monthly_tokens",
    )
    found = [name for name in limits if getattr(settings, name) is not None]
    if found and settings.redis_url is None:
        if settings.workers > 1:
            yield (
                f"each of the {settings.workers} workers counts {', '.join(found)} by itself, so "
                "together they may use that many times as much; set RAG_PROXY_REDIS_URL to count "
                "together"
            )
        elif budgets := [name for name in found if name in limits[3:]]:
            yield (
                f"{' and '.join(budgets)} begin anew when the proxy starts again; set "
                "RAG_PROXY_REDIS_URL to keep the counts"
            )


def _long_queue(settings: Settings) -> Iterator[str]:
    queue_s, commit_s = settings.queue_timeout_s, settings.commit_after_s
    if settings.max_concurrent_model_requests and queue_s >= commit_s:
        yield (
            f"queue_timeout_s = {queue_s:g} is not below commit_after_s = {commit_s:g}: a stream "
            "that waits for the model does not begin meanwhile, so its client hears nothing for "
            "longer than you want; set a lower queue_timeout_s"
        )


def _uncounted(settings: Settings) -> Iterator[str]:
    if settings.metrics_port is not None and not settings.metrics:
        yield "metrics_port with metrics = false: nothing is counted, and the port is not opened"


def _not_set(setting: str, variables: Iterable[str]) -> str:
    names = environment_names(setting)
    instead = misspelt(names, variables)
    return f"{names[0]} is not set" + (f" (is {instead} a misspelling of it?)" if instead else "")


def _is_known(host: str) -> bool:
    try:
        socket.getaddrinfo(host, None)
    except (OSError, UnicodeError):  # UnicodeError: an impossible name, such as a..b
        return False
    return True
