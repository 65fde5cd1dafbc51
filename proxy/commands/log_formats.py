"""The forms of the log: text for people, and JSON for programs. Both tell the same."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, Literal

from proxy.telemetry.json_line import json_line
from proxy.telemetry.log_line import LogLine
from proxy.telemetry.times import time_of

LogFormat = Literal["text", "json"]

_TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class JSONFormatter(logging.Formatter):
    """One object in one line, also for a record with a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        document: dict[str, object] = {
            "time": time_of(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        told = record.msg
        if isinstance(told, LogLine):
            document |= {"message": told.message, **told.fields}
        else:
            document["message"] = record.getMessage()
        if record.exc_info:
            document["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            document["stack"] = self.formatStack(record.stack_info)
        return json_line(document).decode()


FORMATTERS: Final[Mapping[LogFormat, logging.Formatter]] = MappingProxyType(
    {"text": logging.Formatter(_TEXT), "json": JSONFormatter()}
)
