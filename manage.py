#!/usr/bin/env python3
"""The command line of the project. Outside a virtual environment it runs in `.venv`."""

import contextlib
import importlib
import os
import sys
from pathlib import Path

# These decide what the settings will be, so they run before Django reads any.
EARLY = {"start": "aethercrown.embedded.start", "test": "aethercrown.gate.run"}
STARTED_AGAIN = "AETHERCROWN_STARTED_AGAIN"
OWN_PYTHON = Path(__file__).resolve().parent / ".venv" / "bin" / "python"


def main(arguments: list[str]) -> int:
    """Run the command; its exit code."""
    use_own_environment(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aethercrown.settings")
    if arguments and arguments[0] in EARLY:
        return int(importlib.import_module(EARLY[arguments[0]]).main(arguments[1:]))
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415 - as said above
    from django.core.management import execute_from_command_line  # noqa: PLC0415 - the same
    from django.db import OperationalError, ProgrammingError  # noqa: PLC0415 - the same

    acting = importlib.import_module("aethercrown.history.attribution").acting
    try:
        with acting(f"command:{arguments[0]}" if arguments else ""):
            execute_from_command_line([sys.argv[0], *arguments])
    except ImproperlyConfigured as reason:
        sys.stderr.write(f"The settings are wrong: {reason}\n")
        return 1
    except (OperationalError, ProgrammingError):
        if arguments[0] != "migrate" and (problem := problem_of_database()):
            sys.stderr.write(f"{problem}\n")
            return 1
        raise
    return 0


def problem_of_database() -> str:
    """One sentence where the database lacks tables of this version; else an empty text."""
    from django.db import DatabaseError  # noqa: PLC0415 - as said above

    schema = importlib.import_module("aethercrown.db.schema")
    with contextlib.suppress(DatabaseError):
        return str(schema.problem())
    return ""


def use_own_environment(arguments: list[str]) -> None:
    """Start again with the Python of `.venv`, unless this one runs in a virtual environment.

    Once only: a `.venv` made by conda or linked to another Python is no virtual environment.
    """
    started_again = os.environ.pop(STARTED_AGAIN, "")
    if sys.prefix == sys.base_prefix and OWN_PYTHON.exists() and not started_again:
        os.environ[STARTED_AGAIN] = "1"
        os.execv(OWN_PYTHON, [str(OWN_PYTHON), __file__, *arguments])  # noqa: S606 - our own Python


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
