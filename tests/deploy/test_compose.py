"""`deploy/compose.yaml`: what an engine would refuse, and what it would not see."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from proxy.settings import Settings, load_settings
from tests.deploy.composed import COMPOSE, PROXY
from tests.deploy.fronted import DEPLOY
from tests.deploy.settings_named import unknown

ROOT = DEPLOY.parent
SERVICES: dict[str, Any] = COMPOSE["services"]
SCHEMA = json.loads(Path(__file__).with_name("compose-spec.json").read_text())
"""Of the Compose Specification, at the commit 170098b of 23 June 2026. Apache-2.0."""


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def test_it_is_what_the_specification_says() -> None:
    jsonschema.Draft7Validator(SCHEMA).validate(COMPOSE)


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_is_pinned_to_a_whole_version(name: str) -> None:
    assert re.search(r":v?\d+\.\d+\.\d+(-\w+)?$", SERVICES[name]["image"])


def test_the_images_are_of_the_versions_that_are_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (tested,) = re.findall(r"OPEN_WEBUI_VERSION \?= (\S+)", (ROOT / "Makefile").read_text())

    assert PROXY["image"].endswith(f":{project['version']}")
    assert SERVICES["open-webui"]["image"].endswith(f":v{tested}")


def test_the_proxy_knows_every_variable_that_it_is_given() -> None:
    assert unknown(PROXY["environment"]) == set()


def test_the_proxy_s_file_is_one_of_settings() -> None:
    settings = load_settings(DEPLOY / "config" / "rag-proxy.toml")

    assert settings.default_model in settings.profiles
    (rule,) = settings.access
    assert rule.user == "*"


def test_open_webui_offers_the_profile_that_there_is() -> None:
    given = SERVICES["open-webui"]["environment"]
    (connection,) = json.loads(given["OPENAI_API_CONFIGS"]).values()

    assert given["OPENAI_API_BASE_URLS"] == f"http://proxy:{Settings().port}/v1"
    assert connection["model_ids"] == ["assistant"]


def test_a_full_valkey_drops_what_ends_soonest_and_no_counts_of_budgets() -> None:
    command = SERVICES["valkey"]["command"]
    options = dict(zip(command[1::2], command[2::2], strict=True))

    assert options["--maxmemory-policy"] == "volatile-ttl"
    assert (options["--appendonly"], options["--save"]) == ("yes", "")


def test_the_engine_waits_longer_than_running_requests_get() -> None:
    grace_s = float(PROXY["environment"]["RAG_PROXY_GRACE_S"])

    assert seconds(PROXY["stop_grace_period"]) > grace_s


def test_nothing_is_open_to_other_machines() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]

    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []
    assert len({port.split(":")[1] for port in ports}) == len(ports)


def test_secrets_are_files_and_nobody_s_variables() -> None:
    for service in SERVICES.values():
        used = {*re.findall(r"/run/secrets/(\w+)", str(service))}
        assert used == set(service.get("secrets", ()))
    used_somewhere = {each for service in SERVICES.values() for each in service.get("secrets", ())}
    assert used_somewhere == COMPOSE["secrets"].keys()


def test_what_is_mounted_from_here_is_here_or_made_by_setup() -> None:
    made = re.findall(r"mkdir -p (.+)", (DEPLOY / "setup").read_text())[0].split()
    for service in SERVICES.values():
        for volume in service.get("volumes", ()):
            source, target = volume.split(":")[:2]
            assert target.startswith("/")
            if source.startswith("./"):
                assert source[2:] in made or (DEPLOY / source).exists()
            else:
                assert source in COMPOSE["volumes"]


def test_what_setup_makes_is_not_committed() -> None:
    assert set((DEPLOY / ".gitignore").read_text().split()) == {".env", "keys/", "secrets/"}


def test_prometheus_asks_the_port_on_which_the_proxy_tells() -> None:
    (job,) = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())["scrape_configs"]
    given = PROXY["environment"]

    assert job["static_configs"] == [{"targets": [f"proxy:{given['RAG_PROXY_METRICS_PORT']}"]}]
    assert given["RAG_PROXY_METRICS_HOST"] == "0.0.0.0"  # noqa: S104 - of a container
