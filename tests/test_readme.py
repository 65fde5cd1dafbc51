"""The README's example prints what the README says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from proxy.app import create_app
from proxy.sandbox.app import create_sandbox
from proxy.sandbox.documents.corpus import default_documents, load_corpus
from proxy.settings import Settings
from tests.support.program import PATIENCE_S
from tests.support.server import serving_in_thread

README = Path(__file__).parent.parent / "README.md"
EXAMPLE = re.compile(r"```python\n(?P<code>.*?)```\s+```\n(?P<printed>.*?)```", re.DOTALL)


def test_the_example_prints_what_the_readme_shows() -> None:
    example = EXAMPLE.search(README.read_text())
    assert example
    with serving_in_thread(create_sandbox(load_corpus(default_documents()))) as upstream:
        settings = Settings(
            lighton_base_url=upstream,
            lighton_api_key="demo",
            scaleway_base_url=f"{upstream}/v1",
            scaleway_api_key="demo",
        )
        with serving_in_thread(create_app(settings)) as url:
            code = example["code"].replace("http://127.0.0.1:8000", url)
            printed = subprocess.run(  # noqa: S603  # our own README
                [sys.executable, "-c", code],
                capture_output=True,
                text=True,
                check=True,
                timeout=PATIENCE_S,
            ).stdout
    assert printed == example["printed"]


def test_it_is_one_screen() -> None:
    assert len(README.read_text().splitlines()) <= 60
