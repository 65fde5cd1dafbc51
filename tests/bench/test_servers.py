"""Server processes: started where they should be, and ended whatever happens."""

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.effort import WARM_UP
from bench.gateways import DIRECT
from bench.servers import (
    Launch,
    NotStartedError,
    choose_cores,
    first_answer,
    pinned,
    started,
)
from tests.support.program import running

PATIENCE_S = 60.0
CORES = choose_cores()
SLEEPING = "import time; print('http://127.0.0.1:4711', flush=True); time.sleep(600)"


def python(program: str, port: int | None = None) -> Launch:
    return Launch((sys.executable, "-c", program), port)


def wait_for(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_gone(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


def test_a_server_runs_on_its_core_in_a_group_of_its_own(tmp_path: Path) -> None:
    before = os.sched_getaffinity(0)
    with started("it", python(SLEEPING), tmp_path, {CORES.server}) as server:
        assert os.sched_getaffinity(server.pid) == {CORES.server}
        assert os.getpgid(server.pid) == server.pid != os.getpgid(0)
    assert os.sched_getaffinity(0) == before
    assert server.process.poll() == -signal.SIGTERM


def test_a_server_ends_with_its_children_also_after_an_error(tmp_path: Path) -> None:
    program = (
        "import subprocess, sys, time;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        "print(f'child {child.pid}', flush=True); time.sleep(600)"
    )

    def fail_meanwhile() -> None:
        with started("it", python(program), tmp_path, CORES.every) as server:
            wait_for(lambda: "child" in server.log.read_text())
            raise RuntimeError("meanwhile")

    with pytest.raises(RuntimeError, match="meanwhile"):
        fail_meanwhile()
    child = int((tmp_path / "output.log").read_text().split()[1])
    wait_for(lambda: is_gone(child))


def test_a_server_ends_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import os, pathlib, sys, time\n"
        "from bench.servers import Launch, start\n"
        "launch = Launch((sys.executable, '-c', 'import time; time.sleep(600)'), None)\n"
        "server = start('it', launch, pathlib.Path(sys.argv[1]), os.sched_getaffinity(0))\n"
        "print(server.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with running(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        parent.kill()
    wait_for(lambda: is_gone(pid))


def test_a_port_that_the_server_chooses_is_read_from_its_output(tmp_path: Path) -> None:
    with started("it", python(SLEEPING), tmp_path, CORES.every) as server:
        wait_for(server.find_port)
        assert server.find_port() == 4711
    with started("it", python(SLEEPING, 5), tmp_path, CORES.every) as server:
        assert server.find_port() == 5


def test_a_port_with_tls_is_one_beside_the_other(tmp_path: Path) -> None:
    both = SLEEPING.replace("4711'", "4711\\nhttps://127.0.0.1:4712'")
    with started("it", python(both), tmp_path, CORES.every) as server:
        wait_for(server.find_secure_port)
        assert (server.find_port(), server.find_secure_port()) == (4711, 4712)
    with started("it", python(SLEEPING), tmp_path, CORES.every) as server:
        wait_for(server.find_port)
        assert server.find_secure_port() is None


def test_the_environment_of_whoever_starts_it_stays_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "value")
    program = "import os; print('given' in os.environ, 'SECRET_KEY' in os.environ)"
    launch = Launch((sys.executable, "-c", program), None, {"given": "1"})
    with started("it", launch, tmp_path, CORES.every) as server:
        server.process.wait(PATIENCE_S)
    assert server.log.read_text() == "True False\n"


def test_a_server_that_ends_says_why(tmp_path: Path) -> None:
    program = "import sys; print('first'); sys.exit('no such model')"
    with (
        started("it", python(program, 1), tmp_path, CORES.every) as server,
        pytest.raises(NotStartedError, match=r"ended with code 1: .*no such model"),
    ):
        first_answer(server, DIRECT, WARM_UP, itertools.count())


def test_a_program_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with (
        pytest.raises(OSError, match="no-such-program"),
        started("it", Launch(("no-such-program",), 1), tmp_path, CORES.every),
    ):
        pass


def test_cores_are_two_if_there_are_two() -> None:
    assert {CORES.load, CORES.server} <= CORES.every == os.sched_getaffinity(0)
    assert (CORES.load == CORES.server) == (len(CORES.every) == 1)


def test_pinning_ends_with_the_block() -> None:
    with pinned({CORES.server}):
        assert os.sched_getaffinity(0) == {CORES.server}
    assert os.sched_getaffinity(0) == CORES.every


def test_as_many_files_may_be_opened_as_the_system_allows() -> None:
    program = (
        "import resource; from bench.servers import allow_many_files; allow_many_files();"
        "soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE); print(soft == hard)"
    )
    done = subprocess.run(  # noqa: S603  # this Python
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_S,
    )
    assert done.stdout == "True\n"
