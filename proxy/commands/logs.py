"""The log of a command that serves, and what it says to whoever watches."""

from __future__ import annotations

import logging
import os
import sys
from types import TracebackType
from typing import Final

import click

from proxy.commands.log_formats import FORMATTERS, LogFormat
from proxy.commands.log_handler import LogHandler

_STDERR: Final = 2

_log = logging.getLogger(__name__)


def configure_logging(level: str, log_format: LogFormat = "text") -> None:
    """Set up the log, by `Settings.log_level` and `log_format`. Each process calls this once."""
    logging.basicConfig(handlers=[LogHandler(_STDERR)])
    follow(level, log_format)


def follow(level: str, log_format: LogFormat) -> None:
    """Let another level and another form hold from now on."""
    root = logging.getLogger()
    root.setLevel(level.upper())
    for handler in root.handlers:
        if isinstance(handler, LogHandler):
            handler.setFormatter(FORMATTERS[log_format])
    # What Python itself writes to stderr would be no JSON.
    logging.captureWarnings(log_format == "json")
    sys.excepthook = _log_fault if log_format == "json" else sys.__excepthook__


def flush_log() -> None:
    """Write all lines that wait, before something ends the process without its clean-up."""
    for handler in logging.getLogger().handlers:
        handler.flush()


def warn(line: str, log_format: LogFormat) -> None:
    """Warn whoever starts the server."""
    if log_format == "json":
        _log.warning("%s", line)
    else:
        say(f"rag-proxy: warning: {line}", err=True)


def say(line: str, *, err: bool = False) -> None:
    """Print a line for whoever watches. If nobody does any more, the server goes on."""
    try:
        click.echo(line, err=err)
    except OSError:
        # The rest in the stream's buffer would fail again when Python exits.
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device
            os.dup2(nowhere.fileno(), (sys.stderr if err else sys.stdout).fileno())


def _log_fault(
    kind: type[BaseException], fault: BaseException, traceback: TracebackType | None
) -> None:
    """A fault that ends the process, in the log's own form."""
    _log.critical("The process ends with a fault.", exc_info=(kind, fault, traceback))
