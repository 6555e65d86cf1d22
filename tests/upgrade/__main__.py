"""Make a small database with the present schema, and write it to the path given."""

import sys
import tempfile
from pathlib import Path

from tests import upgrade
from tests.upgrade import database

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(upgrade.__doc__)
    with tempfile.TemporaryDirectory() as folder:
        database.create(Path(folder), Path(sys.argv[1]))
