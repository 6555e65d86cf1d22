"""Makes the small database by the commands that a person would use, and reads it back."""

import gzip
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests import rig

KEPT = Path(__file__).parent / "first.sql.gz"
NAME = "aethercrown.sqlite3"
SECRETS = {  # what is sealed in the kept database opens with these, and nothing else does
    "SECRET_KEY": "only-for-upgrades-" + "x" * 50,
    "API_KEY_PEPPER": "only-for-upgrades-" + "y" * 50,
    "ENCRYPTION_KEYS": "upgrades:" + "A" * 43 + "=",
}
WEEKS = "date,channel,spend,revenue\n2026-01-05,Search,100,400\n2026-01-12,Search,120,450\n"
CUSTOMERS = "external_id,name\nacme,Acme Ltd\n"


def manage(folder: Path, *arguments: str) -> str:
    """Run a command on the data folder; what it printed. Raises CalledProcessError."""
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, str(rig.ROOT / "manage.py"), *arguments],
        cwd=rig.ROOT,
        env={
            **rig.outer_environment(),
            **SECRETS,
            "DATA_DIR": str(folder),
            "DJANGO_SETTINGS_MODULE": "aethercrown.settings",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def create(folder: Path, target: Path) -> None:
    """A migrated database with a key, a channel's weeks and a customer, as compressed SQL."""
    manage(folder, "migrate", "-v0")
    manage(folder, "create_api_key", "--name", "upgrade", "--scopes", "all")
    for kind, text in (("budget-performance", WEEKS), ("customers", CUSTOMERS)):
        file = folder / f"{kind}.csv"
        file.write_text(text, encoding="utf-8")
        manage(folder, "import_data", kind, str(file))
    with closing(sqlite3.connect(folder / NAME)) as rows:
        text = "\n".join(rows.iterdump())
    target.write_bytes(gzip.compress(text.encode(), mtime=0))


def restore(folder: Path) -> None:
    """Put the kept database into the data folder."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = gzip.decompress(KEPT.read_bytes()).decode()
    with closing(sqlite3.connect(folder / NAME)) as rows:
        rows.executescript(text)


def tables(file: Path) -> dict[str, set[tuple[str, str]]]:
    """The columns of each table, with their types."""
    with closing(sqlite3.connect(file)) as rows:
        names = [
            name for (name,) in rows.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return {
            name: {
                (column[1], column[2]) for column in rows.execute(f'PRAGMA table_info("{name}")')
            }
            for name in names
            if not name.startswith("sqlite_")
        }
