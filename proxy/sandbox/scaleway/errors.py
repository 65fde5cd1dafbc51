"""The four shapes of Scaleway's errors, and when it uses each.

1. `{"error": {message, type, param, code}}`: the model server, for recent models;
2. `{"object": "error", message, type, param, code}`: the model server, for legacy models;
3. `{"status", "error": "<NAME>", "message"}`: the gateway before it: keys, routes, models, quotas;
4. a list of pydantic errors: a body that does not fit the schema.

Sources: "Understanding common errors" and "Fixing common issues" of Scaleway's documentation of its
Generative APIs, and bodies seen in the wild.
"""

from http import HTTPStatus
from http.client import responses
from typing import Any, Literal

from pydantic import ValidationError

from proxy.sandbox.served import ServedModel

Shape = Literal[1, 2, 3, 4]

QUOTA_NAME = "INSUFFICIENT QUOTA"
_QUOTA_TEXT = "You exceeded your current limit of concurrent requests."


class Rejected(Exception):
    """The stand-in refuses a request with this status and body."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body


def by_gateway(status: int, name: str, message: str) -> Rejected:
    return Rejected(status, error_body(3, status, message, name=name))


def by_model(served: ServedModel, message: str, status: int = 400) -> Rejected:
    shape: Shape = 2 if served.legacy_errors else 1
    return Rejected(status, error_body(shape, status, message))


def by_schema(error: ValidationError) -> Rejected:
    """Answer with pydantic's own errors, located from `body` on, as FastAPI does."""
    found = error.errors(include_url=False, include_context=False)
    return Rejected(400, [{**each, "loc": ["body", *each["loc"]]} for each in found])


def error_body(
    shape: Shape, status: int, message: str | None = None, *, name: str | None = None
) -> Any:
    """Build an error's body. Name and message default to those that are usual for the status.

    `name` is the error's `type` in shapes 1, 2 and 4, and its `error` in shape 3.
    """
    usual_name, usual_message = _usual(shape, status)
    name, message = name or usual_name, message or usual_message
    flat = {"message": message, "type": name, "param": None, "code": status}
    if shape == 1:
        return {"error": flat}
    if shape == 2:  # noqa: PLR2004 - the shapes are known by their numbers
        return {"object": "error", **flat}
    if shape == 3:  # noqa: PLR2004 - the shapes are known by their numbers
        return {"status": status, "error": name, "message": message}
    return [{"type": name, "loc": ["body"], "msg": message, "input": None}]


def _usual(shape: Shape, status: int) -> tuple[str, str]:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return QUOTA_NAME, _QUOTA_TEXT
    phrase = responses.get(status, "Error")
    message = f"{phrase}. The sandbox was asked to answer so."
    if shape == 3:  # noqa: PLR2004 - the shapes are known by their numbers
        return phrase.upper(), message
    in_camel_case = phrase.title().replace(" ", "")
    return in_camel_case.removesuffix("Error") + "Error", message
