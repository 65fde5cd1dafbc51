"""The settings of where the server listens, as a part of all settings."""

from __future__ import annotations

from proxy.settings import Settings
from proxy.settings.serving import ServingSettings


def test_each_of_them_is_a_setting_with_a_default() -> None:
    defaults = ServingSettings()
    settings = Settings()
    assert ServingSettings.model_fields
    assert all(
        getattr(settings, name) == getattr(defaults, name) for name in ServingSettings.model_fields
    )
