"""Composes the sandbox: both vendors' protocols on one port, over one folder of documents."""

from typing import cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from proxy.sandbox import control
from proxy.sandbox.documents.corpus import Corpus
from proxy.sandbox.faults import Faults
from proxy.sandbox.lighton import app as lighton
from proxy.sandbox.scaleway import app as scaleway
from proxy.sandbox.scaleway.errors import error_body
from proxy.sandbox.state import SandboxState
from proxy.sandbox.watched import Watched


def create_sandbox(
    corpus: Corpus,
    *,
    faults: Faults | None = None,
    keys: frozenset[str] | None = None,
    chunk_delay_s: float = 0.0,
) -> Starlette:
    """Build the ASGI app.

    LightOn answers at `/api/v3/search`, `/api/v3/files/{id}` and `/api/v3/workspaces`, Scaleway at
    `/v1` and `/{project_id}/v1`; `GET /` lists the rest. With `keys` None, the app accepts any
    bearer key that does not start with `bad`. In a stream it pauses `chunk_delay_s` seconds before
    each chunk.
    """
    state = SandboxState(corpus, faults or Faults(), keys, chunk_delay_s)
    app = Starlette(
        routes=[*control.routes(state), *lighton.routes(state), *scaleway.routes(state)],
        middleware=[Middleware(Watched, faults=state.faults)],
        exception_handlers={HTTPException: _no_such_route},
    )
    app.router.redirect_slashes = False
    return app


async def _no_such_route(_: Request, error: Exception) -> Response:
    """Answer 404 and 405 outside `/api/` as Scaleway's gateway does."""
    rejected = cast("HTTPException", error)
    body = error_body(3, rejected.status_code, rejected.detail)
    return JSONResponse(body, rejected.status_code, rejected.headers)
