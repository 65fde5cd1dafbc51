"""GET /openapi.json and /config.schema.json: what the API takes, and what the settings file takes.

They hold no secret and nothing of this proxy's settings, so they need no key: an editor or a
generator of clients has none.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from starlette.routing import Route

from proxy.surfaces.fixed_file import FixedFile

SCHEMA_PATHS: Final = ("/config.schema.json", "/openapi.json")
_FOLDER: Final = "schemas"
"""The folder of the package that the files are in; `python -m proxy.schemas` writes them."""
_TYPES: Final = {
    "/config.schema.json": "application/schema+json",
    "/openapi.json": "application/json",
}


def read_schemas() -> tuple[Route, ...]:
    """The routes, with the files as the package has them."""
    folder = files("proxy") / _FOLDER
    return tuple(
        Route(path, FixedFile((folder / path[1:]).read_bytes(), _TYPES[path]), methods=["GET"])
        for path in SCHEMA_PATHS
    )
