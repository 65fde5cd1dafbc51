"""Open WebUI, Chromium and the proxy as real processes, on stand-ins for both vendors."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.open_webui.browser import Browser, chromium
from tests.open_webui.page import ChatPage
from tests.open_webui.stand_ins import StandIns
from tests.support.program import Program
from tests.support.server import serving_in_thread

UVICORN: Final = Path(os.environ.get("OPEN_WEBUI_VENV", ".venv-open-webui"), "bin", "uvicorn")
START_S: Final = 180
"""How long Open WebUI may take to start: it makes its database, and imports half of PyPI."""

SETTINGS: Final = {
    "FROM_INIT_PY": "true",  # as its own command sets it: the pages are those of the package
    "WEBUI_SECRET_KEY": "any",
    "ENABLE_OLLAMA_API": "False",
    "RAG_EMBEDDING_ENGINE": "openai",  # else it fetches a model when it starts
    # It would call home.
    "OFFLINE_MODE": "True",
    "ENABLE_VERSION_UPDATE_CHECK": "False",
    "ANONYMIZED_TELEMETRY": "False",
    "DO_NOT_TRACK": "True",
    "SCARF_NO_ANALYTICS": "True",
}
MODEL: Final = "llama-3.3-70b-instruct"
SEARCHES_FIRST: Final = "searches-first"
SHOWS_PROGRESS: Final = "shows-progress"
PROFILES: Final = f"""
[profiles.{SEARCHES_FIRST}]
model = "{MODEL}"
retrieval = "context"

[profiles.{SHOWS_PROGRESS}]
model = "{MODEL}"
progress = "open-webui"
"""


@pytest.fixture(scope="session")
def stand_ins() -> StandIns:
    return StandIns()


@pytest.fixture(scope="session")
def proxy_url(stand_ins: StandIns, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("proxy")
    (folder / "profiles.toml").write_text(PROFILES)
    with serving_in_thread(stand_ins.app()) as upstreams:
        environment = {
            "LIGHTON_BASE_URL": upstreams,
            "LIGHTON_API_KEY": "any",
            "SCALEWAY_BASE_URL": f"{upstreams}/v1",
            "SCALEWAY_API_KEY": "any",
            "RAG_PROXY_CONFIG": "profiles.toml",
            "RAG_PROXY_SEARCH_CACHE_TTL": "0",
        }
        with Program("serve", "--port", "0", cwd=folder, env=environment) as program:
            yield program.out.until(r"http://[\d.]+:\d+")[0]


@pytest.fixture(scope="session")
def open_webui(proxy_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of Open WebUI, as installed but for its settings: the proxy is its connection."""
    folder = tmp_path_factory.mktemp("open_webui")
    environment = {
        "WEBUI_AUTH": "False",
        "OPENAI_API_BASE_URLS": f"{proxy_url}/v1",
        "OPENAI_API_KEYS": "any",
    }
    with started(folder, environment) as url:
        hide_the_news(url)
        yield url


@contextmanager
def started(folder: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Open WebUI on a socket that listens already: whoever asks waits until it has started."""
    data = {"HOME": str(folder), "DATA_DIR": str(folder / "data")}
    env = {**SETTINGS, **data, **environment}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        inherited = listener.fileno()
        command = (str(UVICORN.absolute()), "open_webui.main:app", "--fd", str(inherited))
        with Program(cwd=folder, env=env, command=command, pass_fds=(inherited,)):
            listener.close()  # then nobody waits if Open WebUI ends
            yield f"http://{host}:{port}"


def hide_the_news(url: str) -> None:
    """Have the page not begin with a window about what is new."""
    with httpx.Client(base_url=f"{url}/api/v1", timeout=START_S, trust_env=False) as client:
        signed_in = client.post("/auths/signin", json={"email": "", "password": ""})
        token = signed_in.raise_for_status().json()["token"]
        client.headers["authorization"] = f"Bearer {token}"
        settings = {"ui": {"showChangelog": False}}
        client.post("/users/user/settings/update", json=settings).raise_for_status()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


@pytest.fixture
def open_chat(browser: Browser, open_webui: str) -> Callable[[str], ChatPage]:
    """Begins a chat with a model."""
    return lambda model: ChatPage(browser, open_webui, model)
