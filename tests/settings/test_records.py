"""The settings of what the operator is told, as a part of all settings."""

from __future__ import annotations

from proxy.settings import Settings
from proxy.settings.records import RecordSettings


def test_each_of_them_is_a_setting_with_a_default() -> None:
    defaults = RecordSettings()
    settings = Settings()
    assert RecordSettings.model_fields
    assert all(
        getattr(settings, name) == getattr(defaults, name) for name in RecordSettings.model_fields
    )
