import logging

import pytest

from proxy.commands.logs import configure_logging


def test_the_log_goes_to_stderr_from_the_level_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = logging.RootLogger(logging.NOTSET)
    monkeypatch.setattr(logging, "root", root)
    configure_logging("warning")
    root.info("quiet")
    root.warning("loud")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.endswith("WARNING root: loud\n")
    assert "quiet" not in printed.err
