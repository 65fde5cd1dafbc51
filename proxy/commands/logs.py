"""The log of a command that serves: lines on stderr."""

from __future__ import annotations

import logging


def configure_logging(level: str) -> None:
    """`level` is a name of `Settings.log_level`. Every process that serves calls this once."""
    # No line shows these, and finding them out takes a third of its time (logging's own advice).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001
    logging.basicConfig(
        level=level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
