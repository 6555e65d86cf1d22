"""The max-age of Strict-Transport-Security (HSTS).

An hour in the first week, so that a wrong certificate locks nobody out for long; a year after that.
The week counts from the first start with HTTPS, stored in the data folder.
Standard library only: settings.py reads it.
"""

import time
from pathlib import Path

HOUR, WEEK, YEAR = 3600, 7 * 86_400, 31_536_000
NOTE = "https.since"


def seconds(folder: Path, *, https: bool, now: float | None = None) -> int:
    """The max-age in seconds; 0 without https."""
    if not https:
        return 0
    note = folder / NOTE
    if not note.exists():
        note.touch(mode=0o600)
    now = time.time() if now is None else now
    return HOUR if now - note.stat().st_mtime < WEEK else YEAR
