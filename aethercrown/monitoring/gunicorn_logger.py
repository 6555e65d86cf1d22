"""The web server's own messages."""

from typing import Any

from gunicorn import glogging  # type: ignore[import-untyped]  # no types published


class Logger(glogging.Logger):  # type: ignore[misc]  # its base has no types
    """Hands gunicorn's messages to the handler that logs.py has set up."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True
