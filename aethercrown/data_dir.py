"""The data folder of an installation: SQLite file, the broker's log, generated secrets, logs.

Standard library only, because settings.py and the supervisor use it before Django is imported.
"""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600
SERVICE_SETTINGS_FILE = "service.json"  # what `make run` has set by itself, while it runs
BROKER_URL_FILE = "broker.url"  # the address of the embedded Valkey, while it runs


def folder(env_value: str | None) -> Path:
    """The folder of DATA_DIR, or `.data` beside manage.py; created with mode 0700.

    A relative path starts at the repository, so every command uses the same folder. Raises OSError
    with the path where it cannot be created.
    """
    path = ROOT / Path(env_value or ".data").expanduser()
    path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    return path


def random_text() -> str:
    """64 random URL-safe characters."""
    return secrets.token_urlsafe(48)


def secret(folder: Path, name: str, make: Callable[[], str] = random_text) -> str:
    """The secret in the file `name`, generated on the first call.

    Of two processes at once, each writes a file of its own and links it to `name`; the second
    link fails, so that both read the same, complete secret.
    """
    path = folder / name
    if not path.exists():
        draft = folder / f".{name}.{os.getpid()}.{secrets.token_hex(4)}"
        write_private(draft, make())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="ascii").strip()


def stored(folder: Path, name: str) -> str:
    """The text in the file `name`, or an empty one where there is no such file."""
    try:
        return (folder / name).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return ""


def write_private(path: Path, content: str | bytes) -> None:
    """Write a new file that only its owner can read. Raises FileExistsError."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    with os.fdopen(handle, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(handle)


@contextmanager
def stated(folder: Path, name: str, content: str) -> Iterator[None]:
    """Keep `content` in the private file `name` during the block; `stored` reads it."""
    replace_private(folder / name, content)
    try:
        yield
    finally:
        (folder / name).unlink(missing_ok=True)


def replace_private(path: Path, content: str | bytes) -> None:
    """Write a private file beside `path` and rename it to `path`: never a part of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    write_private(draft, content)
    draft.replace(path)
