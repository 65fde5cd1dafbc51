"""What the schema of the TOML file says of rules that pydantic cannot see in a validator.

The validators decide. A hint lets an editor tell the same while somebody writes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


@dataclass(frozen=True, slots=True)
class Hint:
    """Keywords of JSON Schema beside those that follow from a type."""

    keywords: dict[str, Any] = field(hash=False)

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(core_schema), **self.keywords}


SOME: Final = Hint({"minItems": 1})
NOT_BLANK: Final = Hint({"pattern": r"\S"})
ADDRESS: Final = Hint({"pattern": "^\\s*[Hh][Tt][Tt][Pp][Ss]?://"})
