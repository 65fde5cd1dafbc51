from __future__ import annotations

import pytest
import respx


@pytest.fixture
def router() -> respx.MockRouter:
    """Routes of an upstream; `httpx.MockTransport(router.async_handler)` leads to them."""
    return respx.MockRouter()
