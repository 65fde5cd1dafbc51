"""The whole program behind an outbound proxy: both upstreams over TLS, streamed and not."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from proxy.sandbox.app import create_sandbox
from proxy.sandbox.documents.corpus import load_corpus
from tests.support.connect_proxy import connect_proxy
from tests.support.program import Program
from tests.support.server import serving
from tests.upstreams.raw_server import PATIENCE_S
from tests.upstreams.secure_server import write_authority

AUTHORITY = trustme.CA()
PASSWORD = "s3cr3t-w0rd"


def ask(folder: Path, env: dict[str, str]) -> tuple[str, list[str], str]:
    """A plain answer, the events of a streamed one, and the log."""
    question: dict[str, Any] = {"messages": [{"role": "user", "content": "How long is the lease?"}]}
    with (
        Program("serve", "--port", "0", cwd=folder, env=env) as program,
        httpx.Client(trust_env=False, timeout=PATIENCE_S) as client,
    ):
        url = program.out.until(r"^rag-proxy \S+ on (http://\S+)/v1 \(model ")[1]
        url += "/v1/chat/completions"
        plain = client.post(url, json=question).json()["choices"][0]["message"]["content"]
        with client.stream("POST", url, json={**question, "stream": True}) as reply:
            events = [line for line in reply.iter_lines() if line]
        assert program.press_ctrl_c() == 130
        return plain, events, program.err.rest()


@pytest.mark.parametrize("log_level", ["info", "debug"])
async def test_answers_come_by_the_proxy_and_its_password_is_in_no_log(
    tmp_path: Path, log_level: str
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "lease.md").write_text("# Lease\n\nThe lease is for nine years.\n")
    sandbox = create_sandbox(load_corpus(tmp_path / "docs"))
    async with (
        serving(sandbox, AUTHORITY.issue_cert("localhost")) as upstream,
        connect_proxy("user", PASSWORD) as proxy,
    ):
        env = {
            "LIGHTON_API_KEY": "lighton-key-1",
            "LIGHTON_BASE_URL": upstream,
            "SCALEWAY_API_KEY": "scaleway-key-1",
            "SCALEWAY_BASE_URL": f"{upstream}/v1",
            "HTTPS_PROXY": proxy.url.replace("//", f"//user:{PASSWORD}@"),
            "RAG_PROXY_CA_FILE": write_authority(AUTHORITY, tmp_path),
            "RAG_PROXY_LOG_LEVEL": log_level,
        }
        plain, events, log = await asyncio.to_thread(ask, tmp_path, env)
    assert "The lease is for nine years. [1]" in plain
    assert events[-1] == "data: [DONE]"
    assert len(events) > 5
    assert set(proxy.asked) == {f"CONNECT {upstream.removeprefix('https://')} HTTP/1.1"}
    for secret in (PASSWORD, "dXNlcjpzM2NyM3Qtd", "lighton-key-1", "scaleway-key-1"):
        assert secret not in log
