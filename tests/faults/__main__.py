"""Run the tests marked fault, all or those whose files are named; all arguments go to pytest."""

import sys

import pytest

ALWAYS = ["-m", "fault", "-s", "-p", "no:randomly"]

if __name__ == "__main__":
    given = sys.argv[1:]
    named = any(each.startswith("tests") for each in given)
    sys.exit(pytest.main([*ALWAYS, *([] if named else ["tests"]), *given]))
