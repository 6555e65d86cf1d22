"""The environment of the tests, set before the settings are read.

Variables that are set already are kept, such as DATABASE_URL and REDIS_URL. Without REDIS_URL, the
first process of a run starts a Valkey that ends with it; the xdist workers inherit its address, and
each uses its own database number and key prefix.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from aethercrown.embedded import valkey

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
NUMBER = int(WORKER.removeprefix("gw") or 0) + 1 if WORKER else 0
DATABASES_OF_VALKEY = 16


def set_up() -> None:
    """Called once in each process."""
    if "TESTS_FOLDER" not in os.environ:
        folder = Path(tempfile.mkdtemp(prefix="aethercrown-tests-"))
        os.environ["TESTS_FOLDER"] = str(folder)
        at_exit(lambda: shutil.rmtree(folder, ignore_errors=True))
        if not os.environ.get("REDIS_URL"):
            start_broker(folder)
    separate_worker(os.environ)


def start_broker(folder: Path) -> None:
    address = valkey.free_address()
    server = valkey.launch(folder, address)
    server.wait_until(address.answers)
    at_exit(server.stop)
    os.environ["REDIS_URL"] = address.url


def at_exit(tidy: Callable[[], object]) -> None:
    """Call `tidy` at the exit of this process, and not of its forks."""
    owner = os.getpid()
    atexit.register(lambda: tidy() if os.getpid() == owner else None)


def separate_worker(environment: "os._Environ[str]") -> None:
    """Give this worker its own data folder, broker database and key prefix."""
    folder = Path(environment["TESTS_FOLDER"]) / (WORKER or "main")
    server, _, _number = environment["REDIS_URL"].rpartition("/")
    environment["REDIS_URL"] = f"{server}/{NUMBER % DATABASES_OF_VALKEY}"
    environment["CACHE_PREFIX"] = f"test-{WORKER or 'main'}"
    environment["DATA_DIR"] = str(folder)
    environment["HTTPS"] = "False"
    environment["SECRET_KEY"] = "only-for-tests-" + "x" * 50
    environment["API_KEY_PEPPER"] = "only-for-tests-" + "y" * 50
    environment["ENCRYPTION_KEYS"] = "tests:" + "A" * 43 + "="
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        environment.setdefault(name, "1")
