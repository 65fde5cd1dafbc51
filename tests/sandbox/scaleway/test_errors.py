from typing import Any

import pytest
from pydantic import ValidationError

from proxy.sandbox.scaleway.chat_request import ChatRequest
from proxy.sandbox.scaleway.errors import Shape, by_gateway, by_model, by_schema, error_body
from proxy.sandbox.served import ServedModel, find

FLAT = {"message": "No.", "type": "BadRequestError", "param": None, "code": 400}


def model(name: str) -> ServedModel:
    found = find(name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        (1, {"error": FLAT}),
        (2, {"object": "error", **FLAT}),
        (3, {"status": 400, "error": "BAD REQUEST", "message": "No."}),
        (4, [{"type": "BadRequestError", "loc": ["body"], "msg": "No.", "input": None}]),
    ],
)
def test_there_are_four_shapes(shape: Shape, body: Any) -> None:
    assert error_body(shape, 400, "No.") == body


def test_running_out_of_quota_is_said_in_scaleways_words() -> None:
    assert error_body(3, 429) == {
        "status": 429,
        "error": "INSUFFICIENT QUOTA",
        "message": "You exceeded your current limit of concurrent requests.",
    }


@pytest.mark.parametrize(
    ("status", "name"), [(500, "InternalServerError"), (404, "NotFoundError"), (599, "Error")]
)
def test_every_status_has_a_body(status: int, name: str) -> None:
    error = error_body(1, status)["error"]
    assert (error["code"], error["type"]) == (status, name)
    assert error["message"]


def test_name_and_message_can_be_chosen() -> None:
    body = error_body(3, 503, "Come back.", name="MODEL OVERLOADED")
    assert body == {"status": 503, "error": "MODEL OVERLOADED", "message": "Come back."}


def test_recent_and_legacy_models_word_their_errors_differently() -> None:
    assert by_model(model("gpt-oss-120b"), "No.").body == {"error": FLAT}
    assert by_model(model("llama-3.3-70b-instruct"), "No.").body == {"object": "error", **FLAT}


def test_the_gateway_answers_with_a_string_as_error() -> None:
    rejected = by_gateway(401, "UNAUTHORIZED", "Who are you?")
    assert rejected.status == 401
    assert rejected.body == {"status": 401, "error": "UNAUTHORIZED", "message": "Who are you?"}


def test_a_body_that_does_not_fit_is_answered_with_pydantics_own_list() -> None:
    with pytest.raises(ValidationError) as caught:
        ChatRequest.model_validate({"model": "m", "temperature": "warm"})
    rejected = by_schema(caught.value)
    assert rejected.status == 400
    assert [(each["type"], each["loc"]) for each in rejected.body] == [
        ("missing", ["body", "messages"]),
        ("float_parsing", ["body", "temperature"]),
    ]
    assert all(each.keys() == {"type", "loc", "msg", "input"} for each in rejected.body)


def test_such_a_list_holds_no_python_objects() -> None:
    with pytest.raises(ValidationError) as caught:
        ChatRequest.model_validate({"model": "m", "messages": []})
    assert by_schema(caught.value).body[0].keys() == {"type", "loc", "msg", "input"}
