"""What a run wrote to the log, kept beside its outcome for whoever looks at the run."""

import logging
from datetime import UTC, datetime
from threading import get_ident
from types import TracebackType
from typing import Self

MOST = 100  # lines; the last ones
LONGEST = 500  # characters of a line


class LogCapture(logging.Handler):
    """Keeps the lines that this thread logs until the block ends, from INFO on."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []
        self._thread = get_ident()

    def __enter__(self) -> Self:
        logging.getLogger().addHandler(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        logging.getLogger().removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread != self._thread:
            return
        at = datetime.fromtimestamp(record.created, UTC)
        said = " ".join(record.getMessage().split())
        line = f"{at:%H:%M:%S} {record.levelname.lower()} {record.name}: {said}"
        self.lines = [*self.lines, line[:LONGEST]][-MOST:]

    def above(self, text: str) -> str:
        """The lines, and below them the text."""
        return "\n".join([*self.lines, text])
