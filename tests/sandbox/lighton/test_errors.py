from typing import Any

import lighton  # type: ignore[import-untyped]  # it has no py.typed
import orjson
import pytest

from proxy.sandbox.lighton.errors import error_response


def body(*args: Any, **fields: Any) -> Any:
    return orjson.loads(bytes(error_response(*args, **fields).body))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 418, 429, 500, 503, 504])
def test_every_status_has_an_error_that_the_vendors_schema_accepts(status: int) -> None:
    error = lighton.types.api.APIV3ErrorResponse.model_validate(body(status), strict=True)
    assert error.code == status
    assert error.id is None
    assert error.doc_url.endswith(error.error)


def test_wrong_fields_are_listed_as_the_vendors_schema_has_them() -> None:
    fields = {"query": [{"error": "required", "detail": "Needed."}]}
    error = lighton.types.api.APIV3ValidationErrorResponse.model_validate(
        body(422, fields=fields), strict=True
    )
    assert error.fields is not None
    assert error.fields["query"][0].error == "required"


def test_name_text_and_headers_can_be_given() -> None:
    response = error_response(429, error="quota", detail="Slow down.", headers={"retry-after": "3"})
    assert response.headers["retry-after"] == "3"
    assert response.status_code == 429
    error = orjson.loads(bytes(response.body))
    assert (error["error"], error["detail"]) == ("quota", "Slow down.")


def test_maintenance_has_a_body_of_its_own() -> None:
    error = body(503, error="service_maintenance")
    assert set(error) == {
        "detail",
        "error",
        "mode",
        "reason",
        "started_at",
        "endpoint_category_names",
    }
