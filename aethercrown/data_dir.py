"""The data folder: where one copy of the platform keeps everything that is not code.

It holds the SQLite file, the broker's log, the secrets made on the first start and the logs.
Standard library only, because settings.py and the supervisor both need it before Django exists.
"""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600


def folder(env_value: str | None) -> Path:
    """The folder that DATA_DIR names, or `.data` beside manage.py; made private when new.

    A relative path counts from the repository, so every command finds the same folder. OSError,
    with the path in it, where it cannot be made.
    """
    path = ROOT / Path(env_value or ".data").expanduser()
    path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    return path


def random_text() -> str:
    """64 random URL-safe characters."""
    return secrets.token_urlsafe(48)


def secret(folder: Path, name: str, make: Callable[[], str] = random_text) -> str:
    """The secret kept in `name`, made on the first call.

    Two processes may ask at once: each writes a file of its own and links it into place, and
    the link that comes second fails, so both read the same, complete secret.
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


def kept(folder: Path, name: str) -> str:
    """The secret that a former version made in `name`; nothing where there is none."""
    path = folder / name
    return path.read_text(encoding="ascii").strip() if path.exists() else ""


def broker_url(folder: Path) -> str | None:
    """The address of the Valkey that a running supervisor keeps for this folder, if any."""
    try:
        return (folder / "broker.url").read_text(encoding="ascii").strip() or None
    except FileNotFoundError:
        return None


def write_private(path: Path, text: str) -> None:
    """Write a new file that only its owner can read; FileExistsError where it is there already."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(handle)


def replace_private(path: Path, text: str) -> None:
    """Write a private file beside `path` and move it into place, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    write_private(draft, text)
    draft.replace(path)
