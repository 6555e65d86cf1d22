"""Locks the data folder and the port, so that each is used by one process at a time."""

import contextlib
import fcntl
import os
import socket
import time
from pathlib import Path

from aethercrown.embedded.servers import ServerUnavailable

ORPHAN_EXIT_SECONDS = 10.0  # how long servers may take to end after their supervisor was killed


def lock_folder(folder: Path, *, patience: float = ORPHAN_EXIT_SECONDS) -> int:
    """Lock the folder for the life of this process. Raises ServerUnavailable, with the holder's id.

    Children inherit the file, so the folder is free only when all of them have ended. Where the
    holder has ended and its children have not, they are waited for, at most `patience` seconds.
    """
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    give_up = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 32, 0).decode("ascii", "replace").strip()
            if is_alive(holder) or time.monotonic() > give_up:
                os.close(handle)
                raise ServerUnavailable(
                    f"The data folder {folder} is in use by process {holder or '(unknown)'}; stop "
                    "that one, or set DATA_DIR to another folder."
                ) from None
            time.sleep(0.05)
        else:
            os.truncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)
            return handle


def is_locked(folder: Path) -> bool:
    """Whether a process that `lock_folder` ran in, or a child of it, is alive."""
    with contextlib.suppress(FileNotFoundError), (folder / "lock").open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def is_alive(pid: str) -> bool:
    """Whether a process of that number runs; one that ended and was not yet collected does not."""
    if not pid.isdigit():
        return False
    with contextlib.suppress(OSError):  # no /proc on macOS
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return state.rpartition(")")[2].split()[0] not in {"Z", "X"}
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def open_listener(host: str, port: int) -> socket.socket:
    """Open the web server's socket. Raises ServerUnavailable, naming PORT, if the port is taken.

    The supervisor keeps it open: no other program can take the port, and clients wait while the
    web server restarts instead of being refused.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        why = f"is taken or not allowed ({error.strerror})"
        raise ServerUnavailable(
            f"Port {port} on {host} {why}; set PORT, as in: make run PORT=8001"
        ) from None
    return listener
