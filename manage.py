#!/usr/bin/env python
"""The command line of the project."""

import importlib
import os
import sys

# These decide what the settings will be, so they run before Django reads any.
EARLY = {"start": "aethercrown.embedded.start", "test": "aethercrown.gate.run"}


def main(arguments: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aethercrown.settings")
    if arguments and arguments[0] in EARLY:
        return int(importlib.import_module(EARLY[arguments[0]]).main(arguments[1:]))
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415 - as said above
    from django.core.management import execute_from_command_line  # noqa: PLC0415 - the same

    try:
        execute_from_command_line([sys.argv[0], *arguments])
    except ImproperlyConfigured as reason:
        sys.stderr.write(f"The settings are wrong: {reason}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
