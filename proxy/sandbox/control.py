"""Routes of the sandbox itself: what it is, its health, faults on request, the request log."""

from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from proxy.sandbox.faults import Fault
from proxy.sandbox.scaleway.catalogue import FIRST_FILE_ID
from proxy.sandbox.state import SandboxState

_FAULTS = TypeAdapter(list[Fault])
_ROUTES = {
    "POST /api/v3/search": "LightOn search over the documents",
    f"GET /api/v3/files/{FIRST_FILE_ID}": "a LightOn file; its text with ?include_content=true",
    "GET /api/v3/workspaces": "LightOn's workspaces, one for each sub-folder",
    "GET /v1/models": "Scaleway's list of models",
    "POST /v1/chat/completions": "Scaleway chat completions; no language model answers them",
    "POST /v1/embeddings": "Scaleway embeddings: hashed words, so texts with common words are near",
    "POST /v1/rerank": "Scaleway rankings, by the same vectors",
    "GET /sandbox/faults": "faults that are armed; POST a list of faults to add, DELETE to clear",
    "GET /sandbox/requests": "the requests that came in; DELETE to clear",
    "GET /health": "whether the process is up",
}


def routes(state: SandboxState) -> list[BaseRoute]:
    control = _Control(state)
    return [
        Route("/", control.about),
        Route("/health", control.health),
        Route("/sandbox/faults", control.list_faults, methods=["GET"]),
        Route("/sandbox/faults", control.arm_faults, methods=["POST"]),
        Route("/sandbox/faults", control.clear_faults, methods=["DELETE"]),
        Route("/sandbox/requests", control.list_requests, methods=["GET"]),
        Route("/sandbox/requests", control.clear_requests, methods=["DELETE"]),
    ]


class _Control:
    def __init__(self, state: SandboxState) -> None:
        self._state = state
        self._faults = state.faults

    async def about(self, _: Request) -> Response:
        corpus = self._state.corpus
        return _json(
            {
                "name": "rag-proxy sandbox",
                "about": "Stand-ins for LightOn and Scaleway, for trying and testing without keys.",
                "authorization": self._accepted_keys(),
                "routes": _ROUTES,
                "documents": {
                    "files": corpus.files,
                    "chunks": corpus.chunks,
                    "skipped": [f"{each.path}: {each.reason}" for each in corpus.skipped],
                },
                "workspaces": [{"id": each.id, "name": each.name} for each in corpus.workspaces],
                "tags": [{"id": each.id, "name": each.name} for each in corpus.tags],
            }
        )

    def _accepted_keys(self) -> str:
        if self._state.keys is None:
            return "any bearer key that does not start with `bad`"
        return "one of the bearer keys that the sandbox was started with"

    async def health(self, _: Request) -> Response:
        return _json({"status": "ok"})

    async def list_faults(self, _: Request) -> Response:
        return _json([fault.model_dump() for fault in self._faults.armed()])

    async def arm_faults(self, request: Request) -> Response:
        try:
            faults = _FAULTS.validate_json(await request.body())
        except ValidationError as error:
            details = error.errors(include_url=False, include_context=False, include_input=False)
            return _json({"errors": details}, status=400)
        self._faults.arm(faults)
        return await self.list_faults(request)

    async def clear_faults(self, request: Request) -> Response:
        self._faults.clear()
        return await self.list_faults(request)

    async def list_requests(self, _: Request) -> Response:
        return _json(self._faults.requests.as_json())

    async def clear_requests(self, request: Request) -> Response:
        self._faults.requests.clear()
        return await self.list_requests(request)


def _json(content: Any, *, status: int = 200) -> Response:
    body = orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    return Response(body, status, media_type="application/json")
