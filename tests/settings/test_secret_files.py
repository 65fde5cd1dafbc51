from __future__ import annotations

from pathlib import Path

import pytest

from proxy.settings import Settings, load_settings
from proxy.settings.secret_files import is_secret
from proxy.settings.sources import Source, file_names, from_environment
from tests.access.key_samples import table
from tests.settings.given import SECRET, problems, set_variables

SECRETS = [name for name, info in Settings.model_fields.items() if is_secret(info)]


def read(place: str = "", **variables: str | None) -> Source:
    return from_environment(Settings.model_fields, variables, place)


def file(text: str, name: str = "secret") -> str:
    path = Path(name)
    path.write_text(text)
    return str(path)


def test_the_secret_settings_are_these() -> None:
    assert {each: file_names(each)[0] for each in SECRETS} == {
        "lighton_api_key": "LIGHTON_API_KEY_FILE",
        "scaleway_api_key": "SCALEWAY_API_KEY_FILE",
        "api_keys": "RAG_PROXY_API_KEYS_FILE",
        "redis_url": "RAG_PROXY_REDIS_URL_FILE",
    }


@pytest.mark.parametrize("setting", SECRETS)
def test_each_may_stand_in_a_file(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "redis://:pass@redis:6379/0" if setting == "redis_url" else SECRET
    for name in file_names(setting):
        with monkeypatch.context() as patched:
            set_variables(patched, **{name: file(f"{text}\n")})
            value = getattr(load_settings(), setting)
        (secret,) = value if isinstance(value, tuple) else (value,)
        assert secret.get_secret_value() == text


@pytest.mark.parametrize(
    "text", ["a-key\nb-key\n", "a-key,b-key", " a-key ,\r\n\n b-key\n", '["a-key", "b-key"]\n']
)
def test_many_keys_stand_one_on_a_line_or_with_commas(text: str) -> None:
    values = read(RAG_PROXY_API_KEYS_FILE=file(text)).values
    assert values == {"api_keys": ["a-key", "b-key"]}


def test_a_dotenv_file_may_name_one_too(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text(f"LIGHTON_API_KEY_FILE={file(SECRET)}\n")
    set_variables(monkeypatch)
    key = load_settings().lighton_api_key
    assert key is not None
    assert key.get_secret_value() == SECRET


@pytest.mark.parametrize("name", ["LIGHTON_API_KEY", "CONSOLE_API_KEY"])
def test_a_secret_and_a_file_with_it_are_an_error_that_names_both(name: str) -> None:
    source = read(" in .env", **{name: SECRET, "LIGHTON_API_KEY_FILE": file(SECRET)})
    assert source.problems == (
        f"{name} in .env: is set, and LIGHTON_API_KEY_FILE too: which of them holds? Keep one",
    )
    assert source.values == {}


def test_what_is_empty_counts_as_not_given_beside_a_file() -> None:
    source = read(LIGHTON_API_KEY="", LIGHTON_API_KEY_FILE=file(SECRET))
    assert (source.values, source.problems) == ({"lighton_api_key": SECRET}, ())


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("no-such-file", "cannot be read (No such file or directory)"),
        (".", "cannot be read (Is a directory)"),
        ("bytes", "cannot be read (not UTF-8 text)"),
        ("empty", "is empty"),
    ],
)
def test_a_file_that_holds_no_secret_is_an_error_that_says_why(path: str, reason: str) -> None:
    Path("bytes").write_bytes(b"\xff")
    Path("empty").write_text(" \n")
    source = read(SCALEWAY_API_KEY_FILE=path)
    assert source.problems == (f"SCALEWAY_API_KEY_FILE: names a file that {reason}",)


def test_a_fault_of_the_secret_names_the_variable_and_not_the_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_variables(monkeypatch, SCALEWAY_API_KEY_FILE=file(f"{SECRET}\n{SECRET}\n"))
    (problem,) = problems()
    assert problem.startswith("SCALEWAY_API_KEY_FILE: must be one word of plain ASCII")
    assert SECRET not in problem


@pytest.mark.parametrize("text", [table(), "[keys]\n", "# Its last key was revoked.\n"])
def test_a_key_file_in_the_place_of_a_list_names_the_other_setting(text: str) -> None:
    (problem,) = read(RAG_PROXY_API_KEYS_FILE=file(text)).problems
    assert problem.startswith("RAG_PROXY_API_KEYS_FILE: names a file that `rag-proxy keys` writes")
    assert "name it in RAG_PROXY_KEYS_FILE" in problem


def test_what_is_no_secret_has_no_file() -> None:
    assert read(RAG_PROXY_PORT_FILE=file("1")).problems == (
        "RAG_PROXY_PORT_FILE: no such setting; did you mean RAG_PROXY_PORT?",
    )


def test_a_misspelt_name_of_a_file_is_told_the_right_one() -> None:
    assert read(RAG_PROXY_REDIS_ULR_FILE="x").problems == (
        "RAG_PROXY_REDIS_ULR_FILE: no such setting; did you mean RAG_PROXY_REDIS_URL_FILE?",
    )
