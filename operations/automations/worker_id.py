"""Who holds a run: a process, by machine and number, so that neighbours see when it is gone.

A number says something only where the same numbers are given out: under the same kernel, since
it started, and in the same space of processes (a container has its own). Elsewhere nothing can
be said, and the lease decides.
"""

import errno
import hashlib
import os
import socket
from pathlib import Path

KERNEL = Path("/proc/sys/kernel/random/boot_id")
SPACE = Path("/proc/self/ns/pid")


def machine(kernel: Path = KERNEL, space: Path = SPACE) -> str:
    """The host's name and eight digits for the place where process numbers count.

    The name alone where the system does not say.
    """
    host = socket.gethostname()[:100]
    try:
        place = f"{kernel.read_text(encoding='ascii').strip()} {space.readlink()}"
    except OSError:
        return host
    return f"{host}/{hashlib.sha256(place.encode()).hexdigest()[:8]}"


HOST = machine()


def current() -> str:
    """What the ledger calls this process."""
    return f"{HOST}:{os.getpid()}"


def is_gone(owner: str, here: str = HOST) -> bool:
    """Whether the process is certainly not there any more."""
    place, _, number = owner.rpartition(":")
    if "/" not in here or place != here or not number.isdecimal():
        return False
    try:
        os.kill(int(number), 0)
    except OSError as error:
        return error.errno == errno.ESRCH  # any other says that it is there, but not ours
    return False
