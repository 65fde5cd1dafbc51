"""The errors of the API."""

from __future__ import annotations

import pytest

from proxy import errors
from proxy.schemas.failures import WITH_BODY, failure_responses, name_of
from tests.schemas.described import document, faults

EVERY: list[type[errors.ProxyError]] = [
    each
    for each in vars(errors).values()
    if isinstance(each, type)
    and issubclass(each, errors.ProxyError)
    and each is not errors.ProxyError
]


@pytest.mark.parametrize("error", EVERY, ids=lambda each: each.__name__)
def test_each_error_is_listed_under_its_status(error: type[errors.ProxyError]) -> None:
    response = failure_responses()[name_of(error.status)]
    assert str(error.code or "null") in response["description"]


def test_each_status_of_an_error_can_come_where_a_body_is_read() -> None:
    assert set(WITH_BODY) == {each.status for each in EVERY}
    made = document()["paths"]["/v1/chat/completions"]["post"]["responses"]
    assert {str(each.status) for each in EVERY} <= set(made)


def test_the_body_of_an_error_has_the_shape_that_is_told() -> None:
    assert not faults("Error", errors.BadRequest("No.", param="n").body())
    assert not faults("Error", errors.InternalError("Oh.").body())
    assert faults("Error", {"error": "Oh."})
    assert faults("Error", {"error": {"message": "Oh."}})
