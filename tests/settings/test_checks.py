from typing import Any

import pytest

from proxy.errors import SettingsError
from proxy.settings import Settings
from proxy.settings.checks import (
    check_exposure,
    check_profiles,
    refuse_lone_client_key,
    require_upstream_keys,
    warnings_of,
)
from proxy.upstreams.lighton.scope import LightOnScope

EVERYWHERE = "0.0.0.0"  # noqa: S104 - refusing this address is what is tested


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, ["LIGHTON_API_KEY", "SCALEWAY_API_KEY"]),
        ({"lighton_api_key": "a"}, ["SCALEWAY_API_KEY"]),
        ({"scaleway_api_key": "a"}, ["LIGHTON_API_KEY"]),
    ],
)
def test_missing_keys_are_listed_with_where_to_get_them(
    given: dict[str, Any], missing: list[str]
) -> None:
    with pytest.raises(SettingsError) as caught:
        require_upstream_keys(Settings(**given))
    *keys, hint = caught.value.problems
    assert [line.partition(" ")[0] for line in keys] == missing
    assert all("https://console." in line for line in keys)
    assert hint.endswith("rag-proxy demo")


def test_a_variable_that_may_be_a_misspelt_key_is_named() -> None:
    with pytest.raises(SettingsError) as caught:
        require_upstream_keys(Settings(scaleway_api_key="b"), ["PATH", "LIGHTON_APIKEY"])
    assert caught.value.problems[0].startswith(
        "LIGHTON_API_KEY is not set (is LIGHTON_APIKEY a misspelling of it?): create an API key at "
    )


def test_with_both_keys_nothing_is_missing() -> None:
    require_upstream_keys(Settings(lighton_api_key="a", scaleway_api_key="b"))


@pytest.mark.parametrize("host", [EVERYWHERE, "::", "192.168.1.2"])
def test_other_machines_are_not_served_without_client_keys(host: str) -> None:
    with pytest.raises(SettingsError) as caught:
        check_exposure(Settings(host=host))
    (problem,) = caught.value.problems
    assert host in problem
    assert "could read the company's documents" in problem
    assert "set RAG_PROXY_KEYS_FILE or RAG_PROXY_API_KEYS" in problem
    assert "--host 127.0.0.1" in problem


@pytest.mark.parametrize("host", ["no such host.invalid", "a..b", "127.0.0.1:8000"])
def test_what_is_no_address_is_said_to_be_none(host: str) -> None:
    with pytest.raises(SettingsError, match="is neither an IP address nor a name that resolves"):
        check_exposure(Settings(host=host))


def test_other_machines_are_served_with_client_keys() -> None:
    check_exposure(Settings(host=EVERYWHERE, api_keys=["k" * 20]))


def test_a_key_file_counts_as_keys_whatever_it_holds() -> None:
    check_exposure(Settings(host=EVERYWHERE, keys_file="no-such-file.toml"))
    check_exposure(Settings(cors_origins=["*"], keys_file="no-such-file.toml"))
    assert warnings_of(Settings(allow_forwarded=True, keys_file="no-such-file.toml")) == ()


@pytest.mark.parametrize(
    ("times", "named"),
    [
        ({"answer_timeout_s": 100}, ["budget_s (240)", "round_idle_s (240)"]),
        ({"budget_s": 300}, ["budget_s (300)"]),
        ({"profiles": {"hr": {"model": "m", "budget_s": 400}}}, ["profiles.hr.budget_s (400)"]),
        ({"budget_s": 299.9}, []),
    ],
)
def test_times_that_outlast_the_answer_are_warned_about(
    times: dict[str, Any], named: list[str]
) -> None:
    warnings = warnings_of(Settings(**times))
    assert [each.partition(" is not below answer_timeout_s")[0] for each in warnings] == named


def test_too_little_memory_for_the_largest_request_is_warned_about() -> None:
    (warning,) = warnings_of(Settings(max_inflight_bytes=79_999_999))
    assert "max_inflight_bytes (79999999) is less than 4 times max_body_bytes" in warning
    assert "make it 80000000" in warning
    assert warnings_of(Settings(max_inflight_bytes=80_000_000)) == ()


def test_keys_that_open_everything_beside_a_key_file_are_warned_about() -> None:
    (warning,) = warnings_of(Settings(keys_file="keys.toml", api_keys=["k" * 20]))
    assert warning.startswith("api_keys beside keys_file: each of these keys opens all ")
    assert "k" * 20 not in warning


def test_other_machines_are_not_served_with_a_key_that_can_be_guessed() -> None:
    with pytest.raises(SettingsError) as caught:
        check_exposure(Settings(host=EVERYWHERE, api_keys=["k" * 20, "hunter2" + "-" * 12, "k"]))
    (problem,) = caught.value.problems
    assert EVERYWHERE in problem
    assert "number 2, 3 of 3" in problem
    assert "openssl rand -hex 24" in problem
    assert "hunter2" not in problem


def test_on_this_machine_a_key_that_can_be_guessed_is_warned_about() -> None:
    check_exposure(Settings(api_keys=["k" * 19]))
    (warning,) = warnings_of(Settings(api_keys=["k" * 19]))
    assert "fewer than 20 characters can be guessed (number 1 of 1)" in warning
    assert warnings_of(Settings(api_keys=["k" * 20])) == ()


def test_forwarding_without_client_keys_is_warned_about() -> None:
    (warning,) = warnings_of(Settings(allow_forwarded=True))
    assert warning.startswith("allow_forwarded without client keys: ")
    assert warnings_of(Settings(allow_forwarded=True, api_keys=["k" * 20])) == ()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_this_machine_is_served_without_client_keys(host: str) -> None:
    check_exposure(Settings(host=host))


def test_a_profile_must_share_something_with_the_settings() -> None:
    profiles = {"hr": {"workspace_id": [1]}, "legal": {"workspace_id": [9], "tag_id": [1]}}
    with pytest.raises(SettingsError) as caught:
        check_profiles(Settings(workspace_id=[1, 2], profiles=profiles), LightOnScope)
    (problem,) = caught.value.problems
    assert problem == ("profiles.legal.workspace_id: the settings' workspace_id allows none of it")


def test_a_profile_that_is_the_default_must_name_its_model() -> None:
    with pytest.raises(SettingsError, match=r"profiles\.hr\.model: must be set"):
        check_profiles(Settings(default_model="hr", profiles={"hr": {}}), LightOnScope)
    check_profiles(Settings(default_model="hr", profiles={"hr": {"model": "m"}}), LightOnScope)


def test_each_of_a_profiles_models_is_a_model() -> None:
    profiles = {"hr": {"models": ["m", "it"]}, "it": {"models": ["it", "n"]}}
    with pytest.raises(SettingsError) as caught:
        check_profiles(Settings(default_model="it", profiles=profiles), LightOnScope)
    assert caught.value.problems == ("profiles.hr.models: it is a profile; name a Scaleway model",)


def test_a_profile_leads_to_a_model_and_not_to_another_profile() -> None:
    profiles = {"hr": {"model": "m"}, "chain": {"model": "hr"}}
    with pytest.raises(SettingsError) as caught:
        check_profiles(Settings(profiles=profiles), LightOnScope)
    assert caught.value.problems == (
        "profiles.chain.model: hr is a profile; name a Scaleway model",
    )


def test_a_default_that_is_nearly_a_profile_is_none() -> None:
    with pytest.raises(SettingsError, match="default_model: nearly names the profile HR: write"):
        check_profiles(Settings(default_model="hr", profiles={"HR": {"model": "m"}}), LightOnScope)


def test_a_profile_may_narrow_the_model_of_its_own_name() -> None:
    check_profiles(
        Settings(profiles={"llama": {"model": "llama", "workspace_id": [1]}}), LightOnScope
    )


def test_profiles_within_the_settings_are_fine() -> None:
    check_profiles(
        Settings(workspace_id=[1, 2], profiles={"hr": {"workspace_id": [1]}}), LightOnScope
    )


def test_pages_of_any_origin_need_a_key() -> None:
    with pytest.raises(SettingsError, match="any web page"):
        check_exposure(Settings(cors_origins=["*"]))
    check_exposure(Settings(cors_origins=["*"], api_keys=["key-one"]))
    check_exposure(Settings(cors_origins=["https://chat.example.com"]))


def test_limits_that_each_worker_counts_by_itself_are_warned_about() -> None:
    _, warning = warnings_of(Settings(workers=4, tokens_per_minute=9, daily_tokens=9))
    assert warning.startswith(
        "each of the 4 workers counts tokens_per_minute, daily_tokens by itself"
    )
    shared = Settings(workers=4, tokens_per_minute=9, daily_tokens=9, redis_url="redis://localhost")
    assert warnings_of(shared) == ()


def test_budgets_that_a_restart_forgets_are_warned_about() -> None:
    (warning,) = warnings_of(Settings(requests_per_minute=9, daily_tokens=9, monthly_tokens=9))
    assert warning.startswith("daily_tokens and monthly_tokens begin anew when the proxy starts")
    assert warnings_of(Settings(requests_per_minute=9, max_concurrent_answers=9)) == ()


def test_workers_that_share_nothing_are_warned_about() -> None:
    (warning,) = warnings_of(Settings(workers=4))
    assert warning.startswith("each of the 4 workers keeps its own hidden parts of answers ")
    assert "the model searches again" in warning
    assert "its own stored responses" in warning
    assert "the response that it goes on from is not found (404)" in warning
    assert "RAG_PROXY_REDIS_URL" in warning
    assert "\n" not in warning


def test_one_process_and_processes_that_share_are_not_warned_about() -> None:
    assert warnings_of(Settings()) == ()
    assert warnings_of(Settings(workers=4, redis_url="redis://localhost")) == ()


def test_keys_that_are_read_as_tokens_are_warned_about() -> None:
    keys = ["k" * 24, "team.alpha.0123456789abcdef", "a.long.key.of.four.parts"]
    oidc = {"issuer": "https://login.example.com", "audience": "a"}
    (warning,) = warnings_of(Settings(api_keys=keys, identity={"oidc": oidc}))
    assert "read as a token and opens nothing (number 2 of 3)" in warning
    assert "alpha" not in warning
    assert warnings_of(Settings(api_keys=keys)) == ()
    assert warnings_of(Settings(api_keys=keys[::2], identity={"oidc": oidc})) == ()


@pytest.mark.parametrize(
    ("url", "is_in_clear"),
    [
        ("http://vllm.internal:8000", True),
        ("http://10.0.0.1", True),
        ("https://vllm.internal:8000", False),
        ("http://127.0.0.1:8001", False),
        ("http://localhost:8001", False),
        ("http://[::1]:8001", False),
    ],
)
def test_keys_that_leave_the_machine_in_clear_are_warned_about(
    url: str, *, is_in_clear: bool
) -> None:
    for setting, variable in (
        ("lighton_base_url", "LIGHTON_BASE_URL"),
        ("scaleway_base_url", "SCALEWAY_BASE_URL"),
    ):
        given: dict[str, Any] = {setting: url}
        told = warnings_of(Settings(**given))
        assert [line.partition(" ")[0] for line in told] == [variable] * is_in_clear


@pytest.mark.parametrize(
    ("more", "settings"),
    [
        ({"issuer": "http://login.internal"}, ["identity.oidc.issuer"]),
        ({"jwks_url": "http://10.0.0.1/keys"}, ["identity.oidc.jwks_url"]),
        ({"issuer": "http://localhost:8080", "jwks_url": "http://127.0.0.1:1/keys"}, []),
        ({"jwks_url": "https://login.example.com/keys"}, []),
    ],
)
def test_an_issuer_whose_keys_come_in_clear_is_warned_about(
    more: dict[str, str], settings: list[str]
) -> None:
    oidc = {"issuer": "https://login.example.com", "audience": "a", **more}
    told = warnings_of(Settings(identity={"oidc": oidc}))
    assert [line.partition(" ")[0] for line in told] == settings
    assert all("can be anybody here" in line for line in told)


def test_other_machines_are_served_with_an_issuer_of_tokens() -> None:
    oidc = {"issuer": "https://login.example.com", "audience": "a"}
    check_exposure(Settings(host=EVERYWHERE, identity={"oidc": oidc}))
    with pytest.raises(SettingsError):
        check_exposure(Settings(host=EVERYWHERE, identity={}))


def test_refusing_where_something_is_always_found_is_warned_about() -> None:
    (warning,) = warnings_of(Settings(when_nothing_found="refuse"))
    assert warning.startswith("when_nothing_found = refuse without min_relevance: LightOn returns")
    assert warning.endswith("; set min_relevance")
    assert warnings_of(Settings(when_nothing_found="refuse", min_relevance=0.4)) == ()
    assert warnings_of(Settings(when_nothing_found="own_knowledge")) == ()


def test_a_profile_that_refuses_is_warned_about_by_its_name() -> None:
    profiles: dict[str, Any] = {
        "hr": {"when_nothing_found": "refuse"},
        "it": {"when_nothing_found": "refuse", "min_relevance": 0.3},
    }
    (warning,) = warnings_of(Settings(profiles=profiles))
    assert warning.startswith("profiles.hr.when_nothing_found = refuse without min_relevance")
    assert warning.endswith("; set profiles.hr.min_relevance")
    assert warnings_of(Settings(profiles=profiles, min_relevance=0.3)) == ()


def test_a_profile_that_never_searches_refuses_nothing_and_is_not_warned_about() -> None:
    refuse: dict[str, Any] = {"when_nothing_found": "refuse"}
    assert warnings_of(Settings(profiles={"chat": {**refuse, "retrieval": "off"}})) == ()
    assert warnings_of(Settings(retrieval="off", profiles={"chat": refuse})) == ()
    searching = Settings(retrieval="off", profiles={"hr": {**refuse, "retrieval": "tool"}})
    assert len(warnings_of(searching)) == 1


def test_a_queue_that_lasts_longer_than_streams_are_silent_is_warned_about() -> None:
    (warning,) = warnings_of(Settings(queue_timeout_s=10))
    assert warning.startswith("queue_timeout_s = 10 is not below commit_after_s = 10: ")
    assert "\n" not in warning
    assert warnings_of(Settings(queue_timeout_s=9.9)) == ()
    assert warnings_of(Settings(queue_timeout_s=10, max_concurrent_model_requests=0)) == ()


def test_a_key_that_only_ask_sends_is_not_taken_for_one_that_protects() -> None:
    variables = ["RAG_PROXY_API_KEY", "PATH"]
    with pytest.raises(SettingsError, match="did you mean RAG_PROXY_API_KEYS"):
        refuse_lone_client_key(Settings(), variables)
    refuse_lone_client_key(Settings(), ["PATH"])
    for protected in (Settings(api_keys=["k" * 20]), Settings(keys_file="keys.toml")):
        refuse_lone_client_key(protected, variables)
