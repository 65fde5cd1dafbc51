"""The log of a command that serves: lines on stderr."""

from __future__ import annotations

import logging


def configure_logging(level: str) -> None:
    """`level` is a name of `Settings.log_level`. Every process that serves calls this once."""
    logging.basicConfig(
        level=level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
