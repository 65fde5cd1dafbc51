"""What tells apart proxies that share a Redis."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import combinations

import pytest

from proxy.settings import Settings
from proxy.whose import fence_secret_of, models_realm_of, realm_of, seal_of, secret_of_names

OURS = {
    "lighton_base_url": "http://lighton.test",
    "lighton_api_key": "secret-of-documents",
    "scaleway_base_url": "http://scaleway.test/v1",
    "scaleway_api_key": "secret-of-models",
}
Tells = Callable[[Settings], str | bytes]
BY_DOCUMENTS: tuple[Tells, ...] = (realm_of, seal_of, fence_secret_of)
NAMES: tuple[Tells, ...] = (partial(secret_of_names, "people"), partial(secret_of_names, "keys"))


@pytest.mark.parametrize(
    ("tells", "differs_by"),
    [
        *((each, {"lighton_base_url", "lighton_api_key"}) for each in BY_DOCUMENTS),
        (models_realm_of, {"scaleway_base_url", "scaleway_api_key"}),
        *((each, {"lighton_base_url", "lighton_api_key", "scaleway_api_key"}) for each in NAMES),
    ],
    ids=["realm", "seal", "fence", "models", "people", "keys"],
)
def test_it_is_the_same_exactly_where_what_is_served_is(tells: Tells, differs_by: set[str]) -> None:
    assert tells(Settings(**OURS, max_rounds=2)) == tells(Settings(**OURS))
    others = {name: tells(Settings(**{**OURS, name: f"{value}x"})) for name, value in OURS.items()}
    assert {name for name, told in others.items() if told != tells(Settings(**OURS))} == differs_by


def test_each_is_for_one_purpose() -> None:
    told = [each(Settings(**OURS)) for each in (*BY_DOCUMENTS, models_realm_of, *NAMES)]
    assert all(one != other for one, other in combinations(map(str, told), 2))


@pytest.mark.parametrize("tells", [*BY_DOCUMENTS, models_realm_of])
def test_what_leaves_the_process_holds_no_key(tells: Tells) -> None:
    assert "secret-of" not in str(tells(Settings(**OURS)))
