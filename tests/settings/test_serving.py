"""The settings of where the server listens, as a part of all settings."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.settings import Settings
from proxy.settings.serving import ServingSettings


def test_each_of_them_is_a_setting_with_a_default() -> None:
    defaults = ServingSettings()
    settings = Settings()
    assert ServingSettings.model_fields
    assert all(
        getattr(settings, name) == getattr(defaults, name) for name in ServingSettings.model_fields
    )


@pytest.mark.parametrize(
    ("given", "has_keys", "shows_page"),
    [
        ({}, False, True),
        ({"page": False}, False, False),
        ({"api_keys": ["k"]}, True, False),
        ({"api_keys": ["k"], "page": True}, True, True),
        ({"keys_file": "keys.toml"}, True, False),
        ({"identity": {"oidc": {"issuer": "https://a.test", "audience": ["p"]}}}, True, False),
    ],
)
def test_the_page_is_shown_where_nobody_needs_a_key_or_it_is_wanted(
    given: dict[str, Any], *, has_keys: bool, shows_page: bool
) -> None:
    settings = Settings(**given)
    assert (settings.has_keys, settings.shows_page) == (has_keys, shows_page)
