"""Run the fault tests; further arguments go to pytest."""

import sys

import pytest

if __name__ == "__main__":
    sys.exit(pytest.main(["tests/faults", "-m", "fault", "-s", "-p", "no:randomly", *sys.argv[1:]]))
