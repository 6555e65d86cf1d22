"""Sends made-up secrets into every input, and searches for them where none may be.

Each secret begins with MARK. `Canaries.send` sends some to an input; `Canaries.leaks` then searches
the log, the responses, every row of every table, the exports, and the broker.
"""

import contextlib
import io
import json
import logging
import random
import string
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import redis
from django.db import connection
from django.test import Client

from aethercrown.csv import export
from aethercrown.monitoring import logs
from aethercrown.monitoring.redaction import Secret
from operations.messaging.models import Destination
from security.access.models import User
from security.rotation.models import ManagedSecret

MARK = "Zq9cnry"
LETTERS = string.ascii_letters + string.digits
log = logging.getLogger("a.shop")
KEYS = "/api/v1/operational/security/keys"
CALLS = (
    "/api/v1/optimization/budget/optimize",
    "/api/v1/revenue/pricing/calculate",
    "/api/v1/optimization/tasks/schedule",
    "/api/v1/revenue/upsell/analyze",
)
NAMES = (
    *("password", "DB_PASSWORD", "client_secret", "api_key", "X-API-Key", "accessToken", "token"),
    *("private_key", "credentials", "pepper", "signature", "sessionid", "csrfmiddlewaretoken"),
)


@dataclass
class Canaries:
    """The canaries of one run."""

    client: Client
    boss: User
    key: str
    seed: int
    made: int = 0
    released: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    stream: io.StringIO = field(default_factory=io.StringIO)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)  # noqa: S311 - made-up secrets guard nothing

    def canary(self) -> str:
        self.made += 1
        return MARK + "".join(self.chance.choices(LETTERS, k=24))

    def send(self, source: "SecretInput") -> None:
        """Send canaries to an input; count the responses that contain one."""
        name = source.__name__
        for answer in source(self):
            self.released[name] += 1
            if MARK in str(answer):
                self.answers[name] += 1

    def leaks(self, broker: redis.Redis) -> dict[str, int]:
        """How often a canary was found, by place; only places with one."""
        places = {
            "logs": self.stream.getvalue(),
            "tables": "\n".join(dumped()),
            "exports": "\n".join(exported()),
            "broker": "\n".join(broker_contents(broker)),
        }
        counts = {place: text.count(MARK) for place, text in places.items()}
        counts |= {f"answer of {name}": many for name, many in self.answers.items()}
        return {place: many for place, many in counts.items() if many}


SecretInput = Callable[[Canaries], Iterator[Any]]


# --- Places to search ---------------------------------------------------------------------------
def dumped() -> Iterator[str]:
    """Every row of every table, as text."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 - a name
            for row in cursor.fetchall():
                yield " ".join(readable(each) for each in row)


def readable(value: Any) -> str:
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("latin-1")
    return str(value)


def exported() -> Iterator[str]:
    for kind in export.kinds():
        exporter = export.named(kind)
        yield from export.csv_lines(exporter.header, exporter.rows())


def broker_contents(broker: redis.Redis) -> Iterator[str]:
    """Every key of the broker with its value."""
    readers: dict[Any, Callable[[Any], Any]] = {
        b"string": broker.get,
        b"list": lambda name: broker.lrange(name, 0, -1),
        b"set": broker.smembers,
        b"hash": broker.hgetall,
        b"zset": lambda name: broker.zrange(name, 0, -1),
    }
    for name in broker.scan_iter("*"):
        yield readable(name)
        yield str(readers[broker.type(name)](name))


@contextlib.contextmanager
def logged(stream: io.StringIO) -> Iterator[None]:
    """Write the log to `stream` through the platform's own handler."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    logs.configure({"format": "json", "level": "INFO"}, stream)
    try:
        yield
    finally:
        root.handlers[:] = before
        root.setLevel(level)


# --- Inputs of secrets ---------------------------------------------------------------------------
def sign_ins(canaries: Canaries) -> Iterator[Any]:
    """A wrong password, and one typed where the name belongs."""
    client = Client(raise_request_exception=False)
    address = f"198.51.100.{canaries.chance.randrange(256)}"
    for name in (f"nobody{canaries.chance.random()}", canaries.canary()):
        form = {"username": name, "password": canaries.canary()}
        answer = client.post("/login", form, REMOTE_ADDR=address)
        yield "" if name.startswith(MARK) else answer.content  # the form shows the name again


def second_factors(canaries: Canaries) -> Iterator[Any]:
    for path, name in (("/account/reauthenticate", "password"), ("/account/2fa/", "code")):
        yield canaries.client.post(path, {name: canaries.canary()}).content


def people(canaries: Canaries) -> Iterator[Any]:
    """A person made in the admin, whose password is then set anew."""
    name, given = f"p{canaries.chance.getrandbits(60)}", canaries.canary()
    form = {"username": name, "password1": given, "password2": given, "usable_password": "true"}
    yield canaries.client.post("/admin/security/user/add/", form).content
    person, given = User.objects.get(username=name), canaries.canary()
    form = {"password1": given, "password2": given, "usable_password": "true"}
    yield canaries.client.post(f"/admin/security/user/{person.pk}/password/", form).content


def set_up_links(canaries: Canaries) -> Iterator[Any]:
    client, given = Client(raise_request_exception=False), canaries.canary()
    form = {"username": "x", "password1": given, "password2": given}
    yield client.get(f"/setup/{canaries.canary()}").content
    yield client.post(f"/setup/{canaries.canary()}", form).content


def credentials(canaries: Canaries) -> Iterator[Any]:
    """Keys that nobody has, in every header, in a cookie, and in the address."""
    client, path = Client(raise_request_exception=False), CALLS[0]
    shown = f"ac_live_{canaries.canary()}"
    for headers in (
        {"Authorization": f"Bearer {canaries.canary()}"},
        {"Authorization": f"Bearer {shown}"},
        {"X-API-Key": canaries.canary()},
        {"Authorization": f"Basic {canaries.canary()}"},
        {"Cookie": f"session={canaries.canary()}; csrf={canaries.canary()}"},
        {"Proxy-Authorization": canaries.canary(), "X-CSRFToken": canaries.canary()},
    ):
        yield client.post(path, {}, "application/json", headers=headers).content
    for address in (f"{path}?api_key={canaries.canary()}", f"/metrics?token={canaries.canary()}"):
        yield client.get(address).content


def bodies(canaries: Canaries) -> Iterator[Any]:
    """Names of secrets that no call asks for, anywhere in a body; and a body that is cut."""
    client = Client(raise_request_exception=False)
    headers = {"Authorization": f"Bearer {canaries.key}"}
    for path in CALLS:
        name = canaries.chance.choice(NAMES)
        body = {name: canaries.canary(), "deep": [{name: {"x": canaries.canary()}}]}
        yield client.post(path, body, "application/json", headers=headers).content
        cut = json.dumps({name: canaries.canary()})[:-1]
        yield client.post(path, cut, "application/json", headers=headers).content


def managed(canaries: Canaries) -> Iterator[Any]:
    """The value of a managed key, registered and then replaced by a person."""
    client = Client(raise_request_exception=False)
    headers = {"Authorization": f"Bearer {canaries.key}"}
    name = f"key-{canaries.chance.getrandbits(60)}"
    body = {"key_id": name, "key_type": "secret", "rotator": "manual", "value": canaries.canary()}
    yield client.post(f"{KEYS}/register", body, "application/json", headers=headers).content
    again = {"value": canaries.canary(), "reason": "manual"}
    client.post(f"{KEYS}/{name}/rotate", again, "application/json", headers=headers)
    yield ""  # that answer, and no other, shows the new value: the contract has it so
    assert ManagedSecret.objects.filter(key_id=name).exists()


def webhooks(canaries: Canaries) -> Iterator[Any]:
    form = {
        "name": f"hook{canaries.chance.getrandbits(60)}",
        "channel": "webhook",
        "address": "https://hooks.example.com/x",
        "secret": canaries.canary(),
        "least_severity": "high",
        "takes_alerts": "on",
        "is_enabled": "on",
    }
    yield canaries.client.post("/admin/operations/destination/add/", form).content
    assert Destination.objects.filter(name=form["name"]).exists()


def log_lines(canaries: Canaries) -> Iterator[Any]:
    """What a careless line of code would write."""
    name, given = canaries.chance.choice(NAMES), canaries.canary()
    canaries.chance.choice(LINES)(name, given)
    yield ""


def failures(canaries: Canaries) -> Iterator[Any]:
    """A traceback that holds one."""
    try:
        broken(canaries.chance.choice(NAMES), canaries.canary())
    except RuntimeError:
        log.exception("It failed")
        yield ""


def broken(name: str, given: str) -> None:
    raise RuntimeError(f"no line: {name}={given}")


LINES: tuple[Callable[[str, str], None], ...] = (
    lambda name, given: log.info("%s=%s", name, given),
    lambda name, given: log.info("%s: %s", name, given),
    lambda name, given: log.info("got %s", {name: given}),
    lambda name, given: log.info("got %r", [(name, given)]),
    lambda name, given: log.info("got", extra={name.replace("-", "_").lower(): given}),
    lambda name, given: log.info(json.dumps({name: given})),
    lambda _, given: log.info("to postgres://ada:%s@db/x", given),
    lambda _, given: log.info("Authorization: Bearer %s", given),
    lambda _, given: log.info("holding %s", Secret(given)),
    lambda name, given: log.warning("%s", ValueError(f"{name}: {given}")),
)
PLACES: tuple[SecretInput, ...] = (
    *(sign_ins, second_factors, people, set_up_links, credentials, bodies, managed, webhooks),
)
WORDS: tuple[SecretInput, ...] = (log_lines, failures)
