"""Runs where mistral-common can be imported: for each request on a line, its complaint as JSON.

It knows no other module of the tests.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any, Final

_PACKAGE: Final = "mistral_common.protocol.instruct"
_VALIDATORS: Final = ("V11", "V13", "V15")
"""Those of models that reason. Older versions of the package have not all of them."""
_OLDER_VALIDATOR: Final = "V5"
"""That of the models before, where no V11 stands between."""


def main() -> None:
    module = importlib.import_module(f"{_PACKAGE}.validator")
    request_type = importlib.import_module(f"{_PACKAGE}.request").ChatCompletionRequest
    kinds = [getattr(module, f"MistralRequestValidator{each}", None) for each in _VALIDATORS]
    if kinds[0] is None:
        kinds.append(getattr(module, f"MistralRequestValidator{_OLDER_VALIDATOR}"))
    validators = [kind(module.ValidationMode.serving) for kind in kinds if kind]
    for line in sys.stdin:
        print(json.dumps(_complaint(json.loads(line), request_type, validators)), flush=True)  # noqa: T201


def _complaint(body: dict[str, Any], request_type: Any, validators: list[Any]) -> str:
    for validator in validators:
        try:
            tools = [_as_vllm_does(each) for each in body.get("tools") or ()]
            request = request_type.from_openai(
                messages=body["messages"], tools=tools or None, model=body["model"]
            )
            validator.validate_request(request)
        except Exception as error:  # noqa: BLE001  # whatever it raises, a server answers 400
            return f"{type(validator).__name__}: {type(error).__name__}: {error}"
    return ""


def _as_vllm_does(tool: dict[str, Any]) -> dict[str, Any]:
    function = {"description": "", "parameters": {}, **tool["function"]}
    return {"type": "function", "function": function}


if __name__ == "__main__":
    main()
