"""The Scaleway stand-in's HTTP surface: models and what they do, with and without a project.

- `GET /v1/models`, `GET /v1/models/{id}`, `POST /v1/chat/completions`, `POST /v1/embeddings`,
  `POST /v1/rerank`;
- the same under `/{project_id}/v1`, where `FOREIGN_PROJECT` is a project that no key belongs to.

As at Scaleway, a missing key is 401 and a wrong one 403. Faults strike before the check of keys.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from proxy.sandbox.faults import Fault, fault_of, interrupted
from proxy.sandbox.scaleway.embedding import embed, rank
from proxy.sandbox.scaleway.errors import Rejected, by_gateway, error_body
from proxy.sandbox.scaleway.quirks import lacks_system_prompt, read, with_injected_prompt
from proxy.sandbox.scaleway.reply import body, complete
from proxy.sandbox.scaleway.stream import frame, frames
from proxy.sandbox.served import (
    EMBEDDERS,
    OWNER,
    SERVED,
    ServedEmbedder,
    ServedModel,
    find,
    find_embedder,
)
from proxy.sandbox.state import SandboxState

FOREIGN_PROJECT = "00000000-0000-0000-0000-000000000000"
INJECTED_HEADER = "x-sandbox-injected-system-prompt"
"""The header of a reply for which the stand-in added a system prompt of its own."""

_PREFIXES = ("/v1", "/{project_id}/v1")
_RELEASED = 1_700_000_000
_STREAM_HEADERS = {"cache-control": "no-cache"}
_QUOTA_HEADERS = {
    "x-ratelimit-limit-requests": "600",
    "x-ratelimit-remaining-requests": "599",
    "x-ratelimit-limit-tokens": "1000000",
    "x-ratelimit-remaining-tokens": "999999",
}
"""As on Scaleway's successes. The stand-in counts nothing; only a fault exhausts a quota."""

Endpoint = Callable[[SandboxState, Request], Awaitable[Response]]


def routes(state: SandboxState) -> list[BaseRoute]:
    handlers: tuple[tuple[str, str, Endpoint], ...] = (
        ("/models", "GET", _list_models),
        ("/models/{model_id}", "GET", _show_model),
        ("/chat/completions", "POST", _chat_completions),
        ("/embeddings", "POST", _embeddings),
        ("/rerank", "POST", _rerank),
    )
    return [
        Route(prefix + path, _guarded(state, endpoint), methods=[method])
        for prefix in _PREFIXES
        for path, method, endpoint in handlers
    ]


def _guarded(state: SandboxState, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def guarded(request: Request) -> Response:
        fault = fault_of(request)
        try:
            if fault.status is not None and not _strikes_in_stream(fault):
                return _failed(fault, fault.status)
            _check_access(state, request)
            return await endpoint(state, request)
        except Rejected as rejected:
            return JSONResponse(rejected.body, rejected.status)

    return guarded


def _check_access(state: SandboxState, request: Request) -> None:
    authorization = request.headers.get("authorization")
    if authorization is None:
        raise by_gateway(401, "UNAUTHORIZED", "The authorization header is missing.")
    if not state.authorised(authorization):
        raise by_gateway(403, "FORBIDDEN", "The API key does not exist or lacks permissions.")
    if request.path_params.get("project_id") == FOREIGN_PROJECT:
        raise by_gateway(403, "FORBIDDEN", "The API key has no permissions in this project.")


async def _list_models(_state: SandboxState, _request: Request) -> Response:
    served: tuple[ServedModel | ServedEmbedder, ...] = (*SERVED, *EMBEDDERS)
    return JSONResponse({"object": "list", "data": [_described(model) for model in served]})


async def _show_model(_state: SandboxState, request: Request) -> Response:
    name = request.path_params["model_id"]
    model = find(name) or find_embedder(name)
    if model is None:
        raise by_gateway(404, "NOT FOUND", "The model does not exist.")
    return JSONResponse(_described(model))


async def _chat_completions(state: SandboxState, request: Request) -> Response:
    chat, served = read(await _json(request))
    headers = dict(_QUOTA_HEADERS)
    if lacks_system_prompt(chat):
        chat = with_injected_prompt(chat)
        headers[INJECTED_HEADER] = "true"
    completion = complete(
        chat, served, completion_id=f"chatcmpl-{uuid.uuid4().hex}", created=int(time.time())
    )
    fault = fault_of(request)
    if not chat.stream:
        if fault.error_in_stream:
            return _failed(fault, fault.status or 500)
        return JSONResponse(body(completion), headers=headers)
    paced = _paced(frames(completion, include_usage=chat.include_usage), state.chunk_delay_s)
    return StreamingResponse(
        interrupted(paced, fault, error=frame(_error(fault, fault.status or 500))),
        headers={**headers, **_STREAM_HEADERS},
        media_type="text/event-stream",
    )


async def _embeddings(_state: SandboxState, request: Request) -> Response:
    return JSONResponse(embed(await _json(request)), headers=_QUOTA_HEADERS)


async def _rerank(_state: SandboxState, request: Request) -> Response:
    return JSONResponse(rank(await _json(request)), headers=_QUOTA_HEADERS)


async def _json(request: Request) -> Any:
    try:
        return orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise by_gateway(400, "BAD REQUEST", f"Invalid JSON body: {error}") from None


async def _paced(stream: Iterable[bytes], delay_s: float) -> AsyncIterator[bytes]:
    for each in stream:
        await asyncio.sleep(delay_s)
        yield each


def _described(model: ServedModel | ServedEmbedder) -> dict[str, Any]:
    return {"id": model.id, "object": "model", "created": _RELEASED, "owned_by": OWNER}


def _strikes_in_stream(fault: Fault) -> bool:
    return fault.error_in_stream or fault.after_chunks is not None


def _failed(fault: Fault, status: int) -> Response:
    return JSONResponse(_error(fault, status), status, fault.headers)


def _error(fault: Fault, status: int) -> Any:
    return error_body(fault.shape, status, fault.message, name=fault.error)
