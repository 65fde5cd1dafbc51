"""A pytest plugin for `make test`: leaves out the tests marked `long`, and says how many.

Loaded with `-p tests.support.quick`.
"""

from typing import Any

import pytest

_LEFT_OUT = pytest.StashKey[int]()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    long = [item for item in items if item.get_closest_marker("long")]
    if long:
        items[:] = [item for item in items if not item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=long)
    config.stash[_LEFT_OUT] = len(long)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the process that shows the summary, where xdist has several collect the same tests."""
    output: dict[str, int] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left_out"] = session.config.stash[_LEFT_OUT]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Hear it. A process that died has said nothing."""
    output: dict[str, int] = getattr(node, "workeroutput", {})
    if "left_out" in output:
        node.config.stash[_LEFT_OUT] = output["left_out"]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if number := config.stash.get(_LEFT_OUT, 0):
        terminalreporter.write_line(f"left out: {number} long tests; make test-all runs them")
