from __future__ import annotations

from typing import Any

import pytest

from proxy.cli import main
from proxy.errors import SettingsError
from proxy.settings import Settings, extras
from proxy.settings.extras import has_identity, require_extras, require_openai

OIDC: Any = {"oidc": {"issuer": "https://login.example.com", "audience": "a"}}


def test_what_is_installed_is_not_missed() -> None:
    assert has_identity()
    require_extras(Settings(identity=OIDC))


def test_what_is_missing_is_told_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(extras, "_LIBRARY", "no_such_library")
    require_extras(Settings())
    with pytest.raises(SettingsError, match=r"pip install 'rag-proxy\[identity\]'"):
        require_extras(Settings(identity=OIDC))


def test_the_client_of_ask_is_not_missed_where_it_is_and_told_of_where_it_is_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    require_openai()
    monkeypatch.setattr(extras, "_CLIENT", "no_such_library")
    assert main(["ask", "Hm?"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("pip install 'rag-proxy[ask]'")
