from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from proxy.cli import main
from proxy.errors import SettingsError
from proxy.settings import Settings, extras
from proxy.settings.extras import (
    REQUIRED,
    has_identity,
    require_extras,
    require_openai,
    require_traces,
)

OIDC: Any = {"oidc": {"issuer": "https://login.example.com", "audience": "a"}}


def test_a_message_names_what_the_extra_brings() -> None:
    project = tomllib.loads(
        (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    )["project"]
    extras_of_project = project["optional-dependencies"]
    assert {name: list(each) for name, each in REQUIRED.items()} == {
        name: extras_of_project[name] for name in extras_of_project if name != "demo"
    }


def test_what_is_installed_is_not_missed() -> None:
    assert has_identity()
    require_extras(Settings(identity=OIDC))


def test_what_is_missing_is_told_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(extras, "_LIBRARY", "no_such_library")
    require_extras(Settings())
    with pytest.raises(SettingsError, match=r"pip install 'joserfc>=1\.4'"):
        require_extras(Settings(identity=OIDC))


def test_the_client_of_ask_is_not_missed_where_it_is_and_told_of_where_it_is_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    require_openai()
    monkeypatch.setattr(extras, "_CLIENT", "no_such_library")
    assert main(["ask", "Hm?"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(f": {sys.executable} -m pip install 'openai>=3.0'")  # in its own place


def test_what_sends_traces_is_missed_only_where_traces_are_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.test:4318"}
    require_traces(Settings(), endpoint)
    monkeypatch.setattr(extras, "_TRACER", "no_such_library")
    require_traces(Settings(), {})
    require_traces(Settings(traces=False), endpoint)
    for settings, variables in ((Settings(), endpoint), (Settings(traces=True), {})):
        with pytest.raises(SettingsError, match=r"pip install 'opentelemetry-.*>=1\.45'"):
            require_traces(settings, variables)
    monkeypatch.setattr(extras, "_TRACER", "no_such_package.tracer")
    with pytest.raises(SettingsError, match="is missing"):
        require_traces(Settings(traces=True), {})


def test_a_protocol_that_the_proxy_does_not_speak_is_refused_at_the_start() -> None:
    grpc = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    require_traces(Settings(), grpc)
    with pytest.raises(SettingsError, match="not by grpc"):
        require_traces(Settings(traces=True), grpc)


def test_variables_that_what_sends_traces_fails_on_are_refused_where_traces_are_wanted() -> None:
    wrong = {
        "OTEL_BSP_MAX_QUEUE_SIZE": "100",
        "OTEL_EXPORTER_OTLP_HEADERS": "Authorization: secret",
    }
    require_traces(Settings(), wrong)
    with pytest.raises(SettingsError) as caught:
        require_traces(Settings(traces=True), wrong)
    assert [each.partition(":")[0] for each in caught.value.problems] == [
        "OTEL_EXPORTER_OTLP_HEADERS",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    ]
    assert "secret" not in str(caught.value)
