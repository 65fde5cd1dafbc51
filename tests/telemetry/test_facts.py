from __future__ import annotations

from proxy.errors import BadRequest, ModelNotFound, Unreachable
from proxy.telemetry.facts import Failure


def test_a_failure_is_named_by_its_code() -> None:
    assert Failure.of(ModelNotFound("No such model.")) == Failure("model_not_found")


def test_a_failure_without_a_code_is_named_by_its_type() -> None:
    assert Failure.of(BadRequest("No.")) == Failure("invalid_request_error")


def test_a_failure_of_an_upstream_says_whose_it_is_and_why() -> None:
    error = Unreachable("LightOn", "No way.", cause="proxy", said="HTTP 502")
    assert Failure.of(error, in_stream=True) == Failure(
        "upstream_unreachable", "LightOn", "proxy", "HTTP 502", in_stream=True
    )
