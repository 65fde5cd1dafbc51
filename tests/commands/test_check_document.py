"""docs/operations.md shows what `rag-proxy check` prints: the real command, on real servers."""

from __future__ import annotations

import asyncio
import datetime as dt
import functools
import re
from pathlib import Path

import pytest
import trustme

from proxy.sandbox.app import create_sandbox
from proxy.sandbox.documents.corpus import default_documents, load_corpus
from tests.support.connect_proxy import connect_proxy
from tests.support.program import run_program
from tests.support.server import serving
from tests.upstreams.secure_server import write_authority

DOCUMENT = Path(__file__).parents[2] / "docs" / "operations.md"
AUTHORITY = trustme.CA()
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
GOOD = AUTHORITY.issue_cert("localhost", "127.0.0.1")


def shown(title: str) -> str:
    """The block that stands below a title."""
    _, _, below = DOCUMENT.read_text(encoding="utf-8").partition(f"### {title}\n")
    block = re.search(r"(?:\A|\n)\n```\n(.*?)```", below.partition("\n#")[0], re.DOTALL)
    assert block, f"{title} shows nothing"
    return block[1]


async def printed(folder: Path, certificate: trustme.LeafCert, password: str = "") -> str:
    """What the check prints of a LightOn with this certificate, and a Scaleway with a good one.

    With a password it goes by a proxy that wants another one, or this if it is "right".
    """
    sandbox = create_sandbox(load_corpus(default_documents()))
    async with (
        serving(sandbox, certificate) as lighton,
        serving(sandbox, GOOD) as other,
        connect_proxy("user", "right") as proxy,
    ):
        scaleway = other.replace("localhost", "127.0.0.1")
        env = {
            "LIGHTON_BASE_URL": lighton,
            "LIGHTON_API_KEY": "sandbox-key",
            "SCALEWAY_BASE_URL": f"{scaleway}/v1",
            "SCALEWAY_API_KEY": "sandbox-key",
            "RAG_PROXY_CA_FILE": write_authority(AUTHORITY, folder),
        }
        if password:
            env["HTTPS_PROXY"] = proxy.url.replace("//", f"//user:{password}@")
        done = await asyncio.to_thread(functools.partial(run_program, "check", cwd=folder, env=env))
        assert done.stderr == ""
        assert done.returncode == int("FAIL" in done.stdout)
        names = {
            lighton: "https://lighton.internal",
            scaleway: "https://scaleway.internal",
            proxy.url: "http://proxy.internal:3128",
            "localhost": "lighton.internal",
            "127.0.0.1": "scaleway.internal",
        }
        text = done.stdout
        for real, name in names.items():
            text = text.replace(real, name)
        return text


@pytest.mark.parametrize(
    ("title", "certificate", "password"),
    [
        ("Through a proxy, with an authority of your own", GOOD, "right"),
        ("A proxy that refuses", GOOD, "wrong"),
        ("An unknown authority", trustme.CA().issue_cert("localhost"), ""),
        (
            "An expired certificate",
            AUTHORITY.issue_cert("localhost", not_before=LONG_AGO, not_after=LONG_AGO),
            "",
        ),
        ("A certificate for another host", AUTHORITY.issue_cert("other.test"), ""),
    ],
)
async def test_the_manual_shows_what_the_check_prints(
    tmp_path: Path, title: str, certificate: trustme.LeafCert, password: str
) -> None:
    assert await printed(tmp_path, certificate, password) == shown(title)
