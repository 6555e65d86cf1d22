"""What the rows said before a restore, kept in a file until a restore has come to its end.

After a restore the hooks end again what had been ended since the back-up. One that is killed after
the swap has not done so, and the next could no longer read it from the rows: it reads this file.
It holds numbers, names and times; no secret.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aethercrown import data_dir

FILE = "before_restore.json"
State = dict[str, Any]


def read(folder: Path) -> list[State]:
    """What interrupted restores kept, the oldest first; nothing where the file is damaged."""
    try:
        found: list[State] = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return found


def keep(folder: Path, states: Sequence[State]) -> None:
    data_dir.replace_private(folder / FILE, json.dumps(states))


def forget(folder: Path) -> None:
    """Once a restore has come to its end."""
    (folder / FILE).unlink(missing_ok=True)
