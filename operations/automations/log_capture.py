"""Captures what a run logs, to be stored with the run."""

import logging
from datetime import UTC, datetime
from threading import get_ident
from typing import Self

MAX_LINES = 100  # the last ones are kept
MAX_LINE_CHARACTERS = 500


class LogCapture(logging.Handler):
    """Keeps the lines that this thread logs within the block, from INFO up."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []
        self._thread = get_ident()

    def __enter__(self) -> Self:
        logging.getLogger().addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread != self._thread:
            return
        at = datetime.fromtimestamp(record.created, UTC)
        message = " ".join(record.getMessage().split())
        line = f"{at:%H:%M:%S} {record.levelname.lower()} {record.name}: {message}"
        self.lines = [*self.lines, line[:MAX_LINE_CHARACTERS]][-MAX_LINES:]

    def above(self, text: str) -> str:
        """The lines, and below them the text."""
        return "\n".join([*self.lines, text])
