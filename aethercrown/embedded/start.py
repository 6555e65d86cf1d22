"""`./manage.py start`: all processes of one data folder, in the foreground.

Runs before Django reads its settings, because it sets some: the broker's address, and HTTP without
TLS where only this machine can connect.
"""

import argparse
import functools
import http.client
import ipaddress
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, MutableMapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import environ

from aethercrown import data_dir
from aethercrown.embedded import lock, parent_death, valkey
from aethercrown.embedded.prefixed_output import print_lines
from aethercrown.embedded.servers import ServerUnavailable, tail
from aethercrown.embedded.supervisor import (
    HURRIED_TICK_SECONDS,
    TICK_SECONDS,
    RestartLimitReached,
    StopRequested,
    Supervisor,
)
from aethercrown.embedded.valkey import EmbeddedBroker

THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
OWN_SETTINGS = ("HTTPS", "SECOND_FACTOR_REQUIRED")  # may differ in a start on this machine
PROBE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class StartOptions:
    """The options of this run, from the environment or .env."""

    folder: Path
    host: str
    port: int
    demo: bool
    redis_url: str

    @property
    def address(self) -> str:
        """The address for a browser on this machine."""
        host = "127.0.0.1" if self.host in {"", "0.0.0.0", "::"} else self.host  # noqa: S104 - compared
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def main(arguments: list[str]) -> int:
    """Run until a signal: exit code 0, or 1 after one sentence that says why it cannot run."""
    description = "Run the platform: web server, worker, schedules, and a broker of its own."
    argparse.ArgumentParser(prog="manage.py start", description=description).parse_args(arguments)
    sys.dont_write_bytecode = False  # compiling our own modules is half the time of a start
    environ.Env.read_env(data_dir.ROOT / ".env")
    if os.environ.get("MAKELEVEL"):  # end when make is killed
        parent_death.die_with_parent(os.getppid(), signal.SIGTERM)
    try:
        return run(read_options(os.environ))
    except ServerUnavailable as reason:
        print_lines([str(reason)], sys.stderr)
    except OSError as error:
        where = error.filename or "the data folder"
        print_lines([f"Cannot use {where}: {error.strerror}. Set DATA_DIR."], sys.stderr)
    return 1


def read_options(environment: MutableMapping[str, str]) -> StartOptions:
    """Read the options that are needed before Django's settings. Raises ServerUnavailable."""
    port = environment.get("PORT") or "8000"
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise ServerUnavailable(f"PORT is {port!r}, and must be a number from 1 to 65535.")
    return StartOptions(
        folder=data_dir.folder(environment.get("DATA_DIR")),
        host=environment.get("HOST") or "127.0.0.1",
        port=int(port),
        demo=environment.get("DEMO", "1").lower() not in {"0", "false", "no", "off"},
        redis_url=environment.get("REDIS_URL", ""),
    )


def run(chosen: StartOptions) -> int:
    held = lock.lock_folder(chosen.folder)
    with closing(lock.open_listener(chosen.host, chosen.port)) as listener:
        print_lines([f"AetherCrown starts on {chosen.address}; data and logs in {chosen.folder}."])
        with broker(chosen, held) as broker_process:
            set_environment(os.environ, chosen, broker_process)
            own = json.dumps(read_settings())
            with data_dir.stated(chosen.folder, data_dir.SERVICE_SETTINGS_FILE, own):
                return supervise(chosen, listener, broker_process)


def set_environment(
    environment: MutableMapping[str, str], chosen: StartOptions, broker: EmbeddedBroker | None
) -> None:
    """Set the environment that Django's settings read, here and in the children."""
    environment.setdefault("DJANGO_SETTINGS_MODULE", "aethercrown.settings")
    environment.update(DATA_DIR=str(chosen.folder), PORT=str(chosen.port), HOST=chosen.host)
    if broker:
        environment["REDIS_URL"] = data_dir.stored(chosen.folder, data_dir.BROKER_URL_FILE)
    if is_loopback(chosen.host):
        environment.setdefault("HTTPS", "False")
        if chosen.demo:  # demo rows, on this machine only
            environment.setdefault("SECOND_FACTOR_REQUIRED", "False")
    for name in THREAD_LIMITS:  # several processes use the cores already
        environment.setdefault(name, "1")


def read_settings() -> dict[str, bool]:
    """Load Django's settings; those of OWN_SETTINGS, for `doctor`.

    Raises ServerUnavailable where one is invalid or unsafe.
    """
    from django.conf import settings  # noqa: PLC0415 - after set_environment
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415 - the same

    from aethercrown import checks  # noqa: PLC0415 - the same

    try:
        checks.refuse_unsafe()
    except ImproperlyConfigured as reason:
        raise ServerUnavailable(f"The settings are wrong: {reason}") from None
    return {name: getattr(settings, name) for name in OWN_SETTINGS}


def is_loopback(host: str) -> bool:
    """Whether only this machine can connect to that host."""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def check_broker(url: str) -> None:
    """Raise ServerUnavailable, in one sentence without the password, unless the broker answers."""
    import redis  # noqa: PLC0415 - most starts have a broker of their own

    try:
        with redis.Redis.from_url(
            url, socket_connect_timeout=PROBE_SECONDS, socket_timeout=PROBE_SECONDS
        ) as client:
            client.ping()
    except ValueError:  # its text may have a part of the password
        raise ServerUnavailable(
            "REDIS_URL is not a valid address; special characters of its password are written as "
            "%2F and so on."
        ) from None
    except redis.RedisError as error:
        parts = urlsplit(url)
        where = parts.path if parts.scheme == "unix" else parts.netloc.rpartition("@")[2]
        reason = str(error).rstrip(".")
        raise ServerUnavailable(
            f"REDIS_URL names {where}, which does not answer as a broker ({reason}): start that "
            "server, correct REDIS_URL, or leave it empty for one that is started here."
        ) from None


@contextmanager
def broker(chosen: StartOptions, held: int) -> Iterator[EmbeddedBroker | None]:
    """An embedded Valkey for the block, unless REDIS_URL names a server.

    It starts while Django is imported; `supervise` waits for it.
    """
    if chosen.redis_url:
        check_broker(chosen.redis_url)
        yield None
        return
    address = valkey.free_address()
    launch = functools.partial(valkey.launch, chosen.folder, address, keep_open=(held,))
    broker_process = EmbeddedBroker(launch=launch, answers=address.answers, server=launch())
    try:
        with data_dir.stated(chosen.folder, data_dir.BROKER_URL_FILE, address.url):
            yield broker_process
    finally:
        broker_process.server.stop()


def supervise(
    chosen: StartOptions, listener: socket.socket, broker_process: EmbeddedBroker | None
) -> int:
    """Run the set-up, then the child processes until a signal; the exit code."""
    from aethercrown.embedded import roles  # noqa: PLC0415 - imports Django, after set_environment

    supervisor = Supervisor(logs=chosen.folder / "log")
    for place in (supervisor.logs, chosen.folder / "static"):
        place.mkdir(mode=0o700, exist_ok=True)
    code = 0
    with supervisor.listening():
        try:
            application = roles.load_application()
            if broker_process:
                broker_process.server.wait_until(broker_process.answers)
            answer = run_setup(supervisor, chosen, listener)
            serve = functools.partial(roles.web, application, listener.fileno())
            supervisor.supervise("worker", roles.worker, grace=20.0)
            supervisor.supervise("web", serve, grace=10.0)
            supervisor.supervise("beat", roles.beat, grace=5.0)
            run_until_stopped(supervisor, chosen, broker_process, answer)
        except StopRequested:
            print_lines(["", "AetherCrown stops ..."])
        except RestartLimitReached as reason:
            print_lines([str(reason)], sys.stderr)
            code = 1
        finally:
            supervisor.stop()
    print_lines(["AetherCrown has stopped."])
    return code


def run_setup(
    supervisor: Supervisor, chosen: StartOptions, listener: socket.socket
) -> dict[str, str | None]:
    """Run the set-up, import the rest meanwhile; its answer. Raises RestartLimitReached."""
    from aethercrown.embedded import roles  # noqa: PLC0415 - imports Django, after set_environment
    from aethercrown.embedded.preparation import prepare  # noqa: PLC0415 - the same

    reader, writer = os.pipe()
    alone = is_loopback(chosen.host)
    work = functools.partial(prepare, chosen.folder, writer, demo=chosen.demo, alone=alone)
    child = supervisor.run_once("set-up", work, closed=(reader, listener.fileno()))
    os.close(writer)
    roles.load_other_roles()
    status = supervisor.finish(child)
    with os.fdopen(reader, "rb") as answer:
        received = answer.read()
    if status or not received:
        log = tail(supervisor.logs / "set-up.log")
        raise RestartLimitReached(f"The set-up ended with status {status}.\n{log}")
    answered: dict[str, str | None] = json.loads(received)
    return answered


def run_until_stopped(
    supervisor: Supervisor,
    chosen: StartOptions,
    broker_process: EmbeddedBroker | None,
    answer: dict[str, str | None],
) -> None:
    """Supervise until StopRequested; print the addresses once /readyz answers."""
    ready = False
    while True:
        supervisor.tick(TICK_SECONDS if ready else HURRIED_TICK_SECONDS)
        notice = broker_process.check(time.monotonic()) if broker_process else None
        if notice:
            print_lines([notice])
        if not ready and is_ready(chosen.address):
            ready = True
            print_lines(ready_message(chosen, answer))


def is_ready(address: str) -> bool:
    """Whether the web server answers /readyz with 200."""
    host, _, port = address.removeprefix("http://").rpartition(":")
    connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=PROBE_SECONDS)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def ready_message(chosen: StartOptions, answer: dict[str, str | None]) -> list[str]:
    """The lines printed when it is ready: addresses, login and API key."""
    name = answer["login"] or "none yet: ./manage.py setup_link prints a link that creates one"
    password = answer["password"] or (
        f"as printed at the first start (another: ./manage.py changepassword {answer['login']})"
        if answer["login"]
        else "chosen there"
    )
    return [
        "",
        "AetherCrown is ready.",
        f"  Pages     {chosen.address}/",
        f"  Admin     {chosen.address}/admin/",
        f"  Login     {name}",
        f"  Password  {password}",
        f"  API key   {answer['api_key']}  (all scopes, until the next start)",
        f"  Data      {chosen.folder}",
        f"  Logs      {chosen.folder / 'log'}",
        "  Stop with Ctrl-C.",
        "",
    ]
