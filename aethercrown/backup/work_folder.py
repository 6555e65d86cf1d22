"""A private folder beside a back-up while one is made or restored.

It holds rows in the clear, so what a killed process left of an earlier one is deleted by the next.
"""

import fcntl
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = ".aethercrown-"


@contextmanager
def opened(
    parent: Path, purpose: str, discard: Callable[[str], object] = lambda _name: None
) -> Iterator[tuple[Path, str]]:
    """The folder and its own name, deleted at the end; locked as long as this process lives.

    `discard` is called with the name of each that a killed process left for the same purpose.
    """
    prefix = f"{PREFIX}{purpose}-"
    _delete_abandoned(parent, prefix, discard)
    path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        with (path / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield path, path.name.removeprefix(prefix)
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _delete_abandoned(parent: Path, prefix: str, discard: Callable[[str], object]) -> None:
    for path in sorted(parent.glob(f"{prefix}*")):
        try:
            lock = (path / "lock").open("r+")
        except OSError:
            continue  # of another user, or just being made
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            discard(path.name.removeprefix(prefix))
            shutil.rmtree(path, ignore_errors=True)
