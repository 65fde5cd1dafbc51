import logging

import pytest

from proxy.commands.logs import LineFormatter, configure_logging


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


@pytest.fixture
def record() -> logging.LogRecord:
    made = logging.LogRecord("proxy", logging.INFO, "here.py", 1, "%s and %s", ("a", "b"), None)
    made.created, made.msecs = 1_764_000_000.25, 250.0
    return made


def test_a_line_is_what_pythons_own_formatter_makes_of_it(record: logging.LogRecord) -> None:
    plain = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    ours = LineFormatter()
    for later_s in (0.0, 0.5, 1.0, 3600.0, -1.0):
        record.created += later_s
        record.msecs = record.created % 1 * 1000
        assert ours.format(record) == plain.format(record)


def test_an_exception_is_written_below_its_line(record: logging.LogRecord) -> None:
    record.exc_info = (KeyError, KeyError("lost"), None)
    line, below = LineFormatter().format(record).splitlines()
    assert line.endswith(" INFO proxy: a and b")
    assert below == "KeyError: 'lost'"
