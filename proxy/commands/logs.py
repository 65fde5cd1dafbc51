"""The log of a command that serves: lines on stderr."""

from __future__ import annotations

import logging


def configure_logging(level: str) -> None:
    """`level` is a name of `Settings.log_level`. Every process that serves calls this once."""
    # No line shows these, and finding them out takes a third of its time (logging's own advice).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler])


class LineFormatter(logging.Formatter):
    """`TIME LEVEL NAME: MESSAGE`, and the time of a second written once: each request is a line."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._second = -1
        self._written = ""

    def format(self, record: logging.LogRecord) -> str:
        if record.exc_info or record.exc_text or record.stack_info:
            return super().format(record)
        second = int(record.created)
        if second != self._second:
            self._second = second
            self._written = self.formatTime(record, "%Y-%m-%d %H:%M:%S")
        time = f"{self._written},{int(record.msecs):03d}"
        return f"{time} {record.levelname} {record.name}: {record.getMessage()}"
