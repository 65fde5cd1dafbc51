"""The LightOn stand-in over a folder of documents.

It answers `POST /api/v3/search`, `GET /api/v3/files`, `GET /api/v3/files/{id}?include_content=true`
and `GET /api/v3/workspaces`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from proxy.sandbox.documents.corpus import Corpus
from proxy.sandbox.faults import Fault, fault_of
from proxy.sandbox.lighton.errors import error_response
from proxy.sandbox.lighton.files import describe_file, list_files
from proxy.sandbox.lighton.request import InvalidRequest, parse_request
from proxy.sandbox.lighton.search import NothingAuthorised, search
from proxy.sandbox.lighton.workspaces import list_workspaces
from proxy.sandbox.state import SandboxState

PATH = "/api/v3/search"
FILES_PATH = "/api/v3/files"
FILE_PATH = "/api/v3/files/{id}"
WORKSPACES_PATH = "/api/v3/workspaces"

_PageOf = Callable[[Corpus, str, Mapping[str, str]], dict[str, Any] | None]
_ANY_METHOD = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]


def routes(state: SandboxState) -> list[BaseRoute]:
    """Return the routes below `/api/`, with LightOn's own 404 and 405."""

    async def searched(request: Request) -> Response:
        refusal = _refusal(state, request, "POST")
        return await _search(state, request) if refusal is None else refusal

    async def read(request: Request) -> Response:
        refusal = _refusal(state, request, "GET")
        return _file(state, request) if refusal is None else refusal

    def listed(page_of: _PageOf) -> Callable[[Request], Awaitable[Response]]:
        async def reply(request: Request) -> Response:
            refusal = _refusal(state, request, "GET")
            return _list(state, request, page_of) if refusal is None else refusal

        return reply

    return [
        Route(PATH, searched, methods=_ANY_METHOD),
        Route(FILES_PATH, listed(list_files), methods=_ANY_METHOD),
        Route(FILE_PATH, read, methods=_ANY_METHOD),
        Route(WORKSPACES_PATH, listed(list_workspaces), methods=_ANY_METHOD),
        Route("/api/{rest:path}", _not_found, methods=_ANY_METHOD),
    ]


async def _not_found(_: Request) -> Response:
    return error_response(404)


def _refusal(state: SandboxState, request: Request, method: str) -> Response | None:
    """Return the error that needs no look at the request, if there is one."""
    fault = fault_of(request)
    if fault.status is not None:
        return error_response(
            fault.status, error=fault.error, detail=fault.message, headers=fault.headers
        )
    if not state.authorised(request.headers.get("authorization")):
        return error_response(401, headers={"www-authenticate": "Bearer"})
    if request.method != method:
        return error_response(405, headers={"allow": method})
    return None


async def _search(state: SandboxState, request: Request) -> Response:
    fault = fault_of(request)
    try:
        wanted = parse_request(orjson.loads(await request.body()))
        results = await asyncio.to_thread(search, state.corpus, wanted)
    except orjson.JSONDecodeError as error:
        return error_response(400, detail=f"The request body is not valid JSON: {error}.")
    except InvalidRequest as error:
        return error_response(422, fields=error.fields)
    except NothingAuthorised:
        return error_response(403)
    return JSONResponse(_reply(results, fault), headers=fault.headers)


def _file(state: SandboxState, request: Request) -> Response:
    wants = request.query_params.get("include_content", "")
    file = describe_file(state.corpus, request.path_params["id"], wants)
    if file is None:
        return error_response(404)
    return JSONResponse(file, headers=fault_of(request).headers)


def _list(state: SandboxState, request: Request, page_of: _PageOf) -> Response:
    address = f"{request.base_url}{request.url.path.removeprefix('/')}"
    page = page_of(state.corpus, address, request.query_params)
    if page is None:
        return error_response(404, detail="Invalid page.")
    return JSONResponse(page, headers=fault_of(request).headers)


def _reply(results: list[dict[str, Any]], fault: Fault) -> dict[str, Any]:
    if fault.no_workspace:
        results = [{**result, "workspace": None} for result in results]
    return {"results": results, **({"warnings": fault.warnings} if fault.warnings else {})}
