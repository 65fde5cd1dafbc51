"""Programs that begin and end with a measurement."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from proxy.sandbox.app import create_sandbox
from proxy.sandbox.documents.corpus import load_corpus
from tests.quality import servers
from tests.quality.questions import DOCUMENTS, HERE
from tests.support.program import PATIENCE_S
from tests.support.server import serving_in_thread


@pytest.mark.long
def test_the_programs_answer_inside_the_block_and_end_with_it(tmp_path: Path) -> None:
    model = servers.Model("http://127.0.0.1:9/v1")
    with servers.proxy(servers.this_tree(), model, tmp_path, {}) as url:
        assert httpx.get(f"{url}/health", trust_env=False, timeout=PATIENCE_S).json() == {
            "status": "ok"
        }
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/health", trust_env=False)


def test_a_program_that_ends_is_told_of_with_its_log(tmp_path: Path) -> None:
    model = servers.Model("http://127.0.0.1:9/v1")
    broken = [sys.executable, "-c", "print('no such command')"]
    with (
        pytest.raises(servers.NotStartedError, match=r"sandbox\.log"),
        servers.proxy(broken, model, tmp_path, {}),
    ):
        raise AssertionError
    assert (tmp_path / "sandbox.log").read_text() == "no such command\n"


def test_the_proxy_of_this_tree_is_measured_wherever_it_runs(tmp_path: Path) -> None:
    *python, _, _ = servers.this_tree()
    command = [*python, "-c", "import proxy; print(proxy.__file__)"]
    said = subprocess.run(  # noqa: S603 - our own command
        command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S, check=True
    )
    assert said.stdout == f"{HERE.parents[1] / 'proxy' / '__init__.py'}\n"


def test_the_first_model_of_a_server_is_the_one_to_ask() -> None:
    with serving_in_thread(create_sandbox(load_corpus(DOCUMENTS))) as url:
        assert servers.Model(f"{url}/v1").first() == "sandbox-no-language-model"
