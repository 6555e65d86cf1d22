"""Gunicorn's log messages."""

from typing import Any

from gunicorn import glogging  # type: ignore[import-untyped]  # no types published


class Logger(glogging.Logger):  # type: ignore[misc]  # its base has no types
    """Passes gunicorn's messages to the handler of logs.py."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True
