"""Identifies the process that executes a run, so that others can see when it is gone.

A process number can be checked only under the same running kernel and in the same process
namespace (a container has its own). Elsewhere the lease alone decides.
"""

import errno
import hashlib
import os
import socket
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
PID_NAMESPACE = Path("/proc/self/ns/pid")


def host(boot_id: Path = BOOT_ID, pid_namespace: Path = PID_NAMESPACE) -> str:
    """The host's name and, if known, a hash of its boot id and process namespace (8 hex digits)."""
    name = socket.gethostname()[:100]
    try:
        scope = f"{boot_id.read_text(encoding='ascii').strip()} {pid_namespace.readlink()}"
    except OSError:
        return name
    return f"{name}/{hashlib.sha256(scope.encode()).hexdigest()[:8]}"


HOST = host()


def current() -> str:
    """The id of this process, for the column `worker` of a run."""
    return f"{HOST}:{os.getpid()}"


def is_gone(worker: str, here: str = HOST) -> bool:
    """Whether the process certainly does not exist any more."""
    place, _, number = worker.rpartition(":")
    if "/" not in here or place != here or not number.isdecimal():
        return False
    try:
        os.kill(int(number), 0)
    except OSError as error:
        return error.errno == errno.ESRCH  # another error: it exists, but under another user
    return False
