"""docs/configuration.md explains every setting, and none that does not exist."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from proxy.settings import Settings
from proxy.settings.profiles import Profile
from proxy.settings.secret_files import is_secret
from proxy.settings.sources import environment_names, file_names

DOCUMENT = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
SECTIONS = {
    section.partition("\n")[0].strip(): " ".join(section.partition("\n")[2].split())
    for section in re.split(r"^#{2,3} ", DOCUMENT, flags=re.MULTILINE)
}


def shown(default: Any) -> str:
    match default:
        case None:
            return "not set"
        case "":
            return "empty"
        case () | {}:
            return "none"
        case tuple():
            return ", ".join(f"`{each}`" for each in default)
        case float():
            return f"`{default:g}`"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_each_setting_has_a_section_with_its_meaning_names_and_default(name: str) -> None:
    description = Settings.model_fields[name].description
    assert description
    names = " or ".join(f"`{each}`" for each in environment_names(name))
    default = shown(getattr(Settings(), name))
    assert SECTIONS[name].startswith(description.rstrip("."))
    facts = f"TOML key: `{name}`. Environment: {names}. Default: {default}."
    assert facts in SECTIONS[name]


def test_only_real_settings_have_an_entry() -> None:
    assert set(re.findall(r"TOML key: `(\w+)`", DOCUMENT)) == set(Settings.model_fields)


def test_only_real_variables_are_named() -> None:
    real = {each for name in Settings.model_fields for each in environment_names(name)}
    secret = {name for name, info in Settings.model_fields.items() if is_secret(info)}
    real |= {each for name in secret for each in file_names(name)}
    examples = {"RAG_PROXY_", "RAG_PROXY_CONFIG", "RAG_PROXY_SERVICE_HOST"}
    assert set(re.findall(r"RAG_PROXY_\w*", DOCUMENT)) <= real | examples


def test_the_keys_of_a_profile_are_those_it_has() -> None:
    table = re.findall(r"^\| (`.*?) \|", DOCUMENT, flags=re.MULTILINE)
    named = {key for row in table for key in re.findall(r"`(\w+)`", row)}
    assert named == set(Profile.model_fields)


def test_the_example_file_is_valid() -> None:
    example = re.search(r"```toml\n(.*?)```", DOCUMENT, flags=re.DOTALL)
    assert example
    settings = Settings(**tomllib.loads(example[1]))
    assert settings.profiles["hr-assistant"].workspace_id == (42,)
