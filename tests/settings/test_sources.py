from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.errors import SettingsError
from proxy.settings import Settings
from proxy.settings.sources import (
    Source,
    environment_names,
    from_environment,
    from_flags,
    from_toml,
    read_dotenv,
)


def read(place: str = "", **variables: str | None) -> Source:
    return from_environment(Settings.model_fields, variables, place)


def test_the_names_that_deployments_rely_on() -> None:
    assert environment_names("lighton_api_key") == ("LIGHTON_API_KEY", "CONSOLE_API_KEY")
    assert environment_names("lighton_base_url") == ("LIGHTON_BASE_URL",)
    assert environment_names("scaleway_api_key") == ("SCALEWAY_API_KEY", "SCW_SECRET_KEY")
    assert environment_names("scaleway_base_url") == ("SCALEWAY_BASE_URL",)
    assert environment_names("scaleway_project_id") == ("SCW_DEFAULT_PROJECT_ID",)
    assert environment_names("default_model") == ("RAG_PROXY_DEFAULT_MODEL",)


def test_the_preferred_of_two_names_wins() -> None:
    assert read(CONSOLE_API_KEY="b", LIGHTON_API_KEY="a").values == {"lighton_api_key": "a"}
    assert read(CONSOLE_API_KEY="b", LIGHTON_API_KEY="").values == {"lighton_api_key": "b"}


def test_empty_variables_count_as_unset() -> None:
    assert read(RAG_PROXY_PORT="", LIGHTON_API_KEY=" \n", RAG_PROXY_HOST=None).values == {}


def test_an_empty_variable_with_an_unknown_name_is_no_error() -> None:
    assert read(RAG_PROXY_PROT="").problems == ()


@pytest.mark.parametrize("text", ["42,43", " 42 , 43 ,", '["42", "43"]'])
def test_lists_are_separated_by_commas_or_json(text: str) -> None:
    assert read(RAG_PROXY_WORKSPACE_ID=text).values == {"workspace_id": ["42", "43"]}


def test_a_list_of_nothing_is_an_empty_list() -> None:
    assert read(RAG_PROXY_CORS_ORIGINS="[]").values == {"cors_origins": []}


@pytest.mark.parametrize("text", ["[42", '[42} "'])
def test_half_a_json_list_is_a_problem(text: str) -> None:
    source = read(" in .env", RAG_PROXY_API_KEYS=text)
    assert source.problems == (
        "RAG_PROXY_API_KEYS in .env: must be separated by commas, or a JSON array",
    )


def test_profiles_are_a_json_object() -> None:
    source = read(RAG_PROXY_PROFILES='{"hr": {"workspace_id": [42]}}')
    assert source.values == {"profiles": {"hr": {"workspace_id": [42]}}}
    assert read(RAG_PROXY_PROFILES="[]").problems == ("RAG_PROXY_PROFILES: must be a JSON object",)


def test_other_text_is_only_stripped() -> None:
    source = read(RAG_PROXY_INSTRUCTIONS=" One, two.\nThree. ")
    assert source.values == {"instructions": "One, two.\nThree."}


def test_variables_of_other_programs_are_left_alone() -> None:
    assert read(HOME="/", LIGHTON_REGION="fr", RAGPROXY_X="1", rag_proxy_x="1").problems == ()


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("RAG_PROXY_DEFAULT_MODLE", "RAG_PROXY_DEFAULT_MODEL"),
        ("RAG_PROXY_CONFIGURATION", "RAG_PROXY_CONFIG"),
        ("RAG_PROXY_LIGHTON_API_KEY", "LIGHTON_API_KEY"),
        ("RAG_PROXY_SCALEWAY_PROJECT_ID", "SCW_DEFAULT_PROJECT_ID"),
    ],
)
def test_an_unknown_variable_names_the_nearest_known_one(name: str, nearest: str) -> None:
    source = read(" in .env", **{name: "x"})
    assert source.problems == (f"{name} in .env: no such setting; did you mean {nearest}?",)


def test_the_common_prefix_does_not_make_names_alike() -> None:
    assert read(RAG_PROXY_FOO="x").problems == ("RAG_PROXY_FOO: no such setting",)


def test_what_kubernetes_sets_for_a_service_named_rag_proxy_is_ignored() -> None:
    source = read(
        RAG_PROXY_SERVICE_HOST="10.0.0.1",
        RAG_PROXY_SERVICE_PORT="8000",
        RAG_PROXY_SERVICE_PORT_HTTP="8000",
        RAG_PROXY_PORT="tcp://10.0.0.1:8000",
        RAG_PROXY_PORT_8000_TCP="tcp://10.0.0.1:8000",
        RAG_PROXY_PORT_8000_TCP_PROTO="tcp",
        RAG_PROXY_PORT_8000_TCP_PORT="8000",
        RAG_PROXY_PORT_8000_TCP_ADDR="10.0.0.1",
        RAG_PROXY_REDIS_SERVICE_HOST="10.0.0.2",
        RAG_PROXY_REDIS_PORT="tcp://10.0.0.2:6379",
        RAG_PROXY_REDIS_PORT_6379_TCP_ADDR="10.0.0.2",
    )
    assert (source.values, source.problems) == ({}, ())


@pytest.mark.parametrize("name", ["RAG_PROXY_REDIS_PORT", "RAG_PROXY_SERVICE", "RAG_PROXY_PORT_X"])
def test_what_only_resembles_a_service_link_is_not_ignored(name: str) -> None:
    assert len(read(**{name: "6379"}).problems) == 1


def test_the_label_of_a_setting_is_what_its_source_calls_it() -> None:
    assert read(CONSOLE_API_KEY="x").label(["lighton_api_key"]) == "CONSOLE_API_KEY"
    assert from_flags({"max_rounds": 1}).label(["max_rounds"]) == "--max-rounds"
    assert Source(place=" in x.toml").label(["profiles", "hr"]) == "profiles.hr in x.toml"


def test_a_source_holds_what_it_says_something_about() -> None:
    source = Source({"profiles": {"hr": {"model": None}}, "port": 1})
    assert source.holds(["profiles", "hr", "model"])
    assert not source.holds(["profiles", "legal"])
    assert not source.holds(["port", "x"])


def test_without_a_dotenv_file_there_are_no_variables(tmp_path: Path) -> None:
    assert read_dotenv(tmp_path / ".env") == {}


def test_a_dotenv_file_may_quote_comment_and_export(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("# keys\nexport LIGHTON_API_KEY='a b' # mine\nEMPTY=\nBARE\n")
    assert read_dotenv(path) == {"LIGHTON_API_KEY": "a b", "EMPTY": "", "BARE": None}


@pytest.mark.parametrize("reader", [read_dotenv, from_toml])
def test_a_file_that_is_not_utf_8_is_a_problem(
    reader: Callable[[Path], object], tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"A='\xff'")
    with pytest.raises(SettingsError, match=r"file: cannot be read \(not UTF-8 text\)"):
        reader(path)


def test_a_missing_configuration_file_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"x.toml: cannot be read \(No such file"):
        from_toml(tmp_path / "x.toml")


def test_what_is_not_toml_is_a_problem_that_says_where(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text("port = 1\nhost = x\n")
    with pytest.raises(SettingsError, match=r"x.toml: not valid TOML \(.*line 2"):
        from_toml(path)


@pytest.mark.parametrize("value", ["9" * 5_000, "[" * 5_000, "[" * 5_000 + "]" * 5_000])
def test_what_the_reader_of_toml_cannot_take_is_a_problem_too(value: str, tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text(f"port = {value}")
    with pytest.raises(SettingsError, match=r"x.toml: has a number that is too long, or lists too"):
        from_toml(path)


def test_a_table_that_one_text_may_stand_for_is_text_or_a_json_object() -> None:
    assert read(RAG_PROXY_REFUSAL_TEXT=" No, sorry. ").values == {"refusal_text": "No, sorry."}
    assert read(RAG_PROXY_REFUSAL_TEXT='{"fr": "Non."}').values == {"refusal_text": {"fr": "Non."}}
    broken = read(RAG_PROXY_REFUSAL_TEXT='{"fr": "Non.')
    assert broken.problems == ("RAG_PROXY_REFUSAL_TEXT: must be a JSON object",)


def test_text_that_a_table_may_stand_for_may_begin_with_a_bracket_but_is_no_json_array() -> None:
    text = "[HR] Ask us."
    assert read(RAG_PROXY_REFUSAL_TEXT=text).values == {"refusal_text": text}
    array = read(RAG_PROXY_REFUSAL_TEXT=' ["Ask"]')
    assert array.values == {}
    assert array.problems == ("RAG_PROXY_REFUSAL_TEXT: must be text or a JSON object",)


def test_the_key_that_ask_sends_is_no_setting_and_no_mistake() -> None:
    source = read(RAG_PROXY_API_KEY="a", RAG_PROXY_API_KEY_="b")
    assert source.values == {}
    (problem,) = source.problems
    assert problem.startswith("RAG_PROXY_API_KEY_: no such setting; did you mean ")
