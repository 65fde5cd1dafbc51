from __future__ import annotations

from pathlib import Path

import pytest

from proxy.errors import SettingsError
from proxy.settings import load_settings
from proxy.settings.prices import PriceSettings
from proxy.telemetry.prices import ModelPrice, Prices


def test_prices_are_those_of_a_search_and_of_models_by_name() -> None:
    given = {
        "search": 0.01,
        "llama-3.3": {"input": 0.9, "output": 1},
        "q": {"input": 0, "output": 0},
    }
    assert PriceSettings.model_validate(given).prices == Prices(
        {"llama-3.3": ModelPrice(0.9, 1), "q": ModelPrice(0, 0)}, 0.01
    )
    assert PriceSettings.model_validate({}).prices == Prices()


def test_prices_come_from_toml_and_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = Prices({"llama-3.3": ModelPrice(0.9, 1, 0.4)}, 0.01)
    file = tmp_path / "rag-proxy.toml"
    file.write_text(
        '[prices]\nsearch = 0.01\n[prices."llama-3.3"]\ninput = 0.9\noutput = 1\ncached = 0.4\n'
    )
    prices = load_settings(file).prices
    assert prices is not None
    assert prices.prices == expected
    monkeypatch.setenv(
        "RAG_PROXY_PRICES",
        '{"search": 0.01, "llama-3.3": {"input": 0.9, "output": 1, "cached": 0.4}}',
    )
    prices = load_settings().prices
    assert prices is not None
    assert prices.prices == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[prices]\nsearch = -1", "prices.search in {}: "),
        ("[prices.llama]\ninput = 1\noutput = inf", "prices.llama.output in {}: "),
        ("[prices.llama]\ninput = 1", "prices.llama.output: "),
        (
            "[prices.llama]\ninput = 1\noutput = 1\ncahced = 1",
            "prices.llama.cahced in {}: no such setting; did you mean cached?",
        ),
        ("[prices]\nllama = 3", "prices.llama in {}: "),
        ("prices = 3", "prices in {}: "),
    ],
)
def test_a_wrong_price_is_named(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "rag-proxy.toml"
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(file)
    (said,) = caught.value.problems
    assert said.startswith(problem.format(file))
