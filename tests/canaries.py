"""Made-up secrets put into every place that takes one, and a search for them where none may be.

Each canary begins with MARK. `Flock.release` sends some through an entrance; `Flock.found` then
looks through the lines logged, the answers, every row of every table, the exports, and all that
lies in the broker: the queues with their payloads, the cache, the buckets.
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
class Flock:
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

    def release(self, entrance: "Entrance") -> None:
        """Send canaries in; whatever is answered must hold none."""
        name = entrance.__name__
        for answer in entrance(self):
            self.released[name] += 1
            if MARK in str(answer):
                self.answers[name] += 1

    def found(self, broker: redis.Redis) -> dict[str, int]:
        """How often a canary came out, by place; nothing where none did."""
        places = {
            "logs": self.stream.getvalue(),
            "tables": "\n".join(dumped()),
            "exports": "\n".join(exported()),
            "broker": "\n".join(lying(broker)),
        }
        counts = {place: text.count(MARK) for place, text in places.items()}
        counts |= {f"answer of {name}": many for name, many in self.answers.items()}
        return {place: many for place, many in counts.items() if many}


Entrance = Callable[[Flock], Iterator[Any]]


# --- Where one may look -------------------------------------------------------------------------
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


def lying(broker: redis.Redis) -> Iterator[str]:
    """Everything in the broker's server, whatever its kind."""
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
    """All that is logged goes through the product's own handler into `stream`."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    logs.configure({"format": "json", "level": "INFO"}, stream)
    try:
        yield
    finally:
        root.handlers[:] = before
        root.setLevel(level)


# --- Where secrets come in -----------------------------------------------------------------------
def sign_ins(flock: Flock) -> Iterator[Any]:
    """A wrong password, and one typed where the name belongs."""
    client = Client(raise_request_exception=False)
    address = f"198.51.100.{flock.chance.randrange(256)}"
    for name in (f"nobody{flock.chance.random()}", flock.canary()):
        form = {"username": name, "password": flock.canary()}
        answer = client.post("/login", form, REMOTE_ADDR=address)
        yield "" if name.startswith(MARK) else answer.content  # the form shows the name again


def second_factors(flock: Flock) -> Iterator[Any]:
    for path, name in (("/account/reauthenticate", "password"), ("/account/2fa/", "code")):
        yield flock.client.post(path, {name: flock.canary()}).content


def people(flock: Flock) -> Iterator[Any]:
    """A person made in the admin, whose password is then set anew."""
    name, given = f"p{flock.chance.getrandbits(60)}", flock.canary()
    form = {"username": name, "password1": given, "password2": given, "usable_password": "true"}
    yield flock.client.post("/admin/security/user/add/", form).content
    person, given = User.objects.get(username=name), flock.canary()
    form = {"password1": given, "password2": given, "usable_password": "true"}
    yield flock.client.post(f"/admin/security/user/{person.pk}/password/", form).content


def set_up_links(flock: Flock) -> Iterator[Any]:
    client, given = Client(raise_request_exception=False), flock.canary()
    form = {"username": "x", "password1": given, "password2": given}
    yield client.get(f"/setup/{flock.canary()}").content
    yield client.post(f"/setup/{flock.canary()}", form).content


def credentials(flock: Flock) -> Iterator[Any]:
    """Keys that nobody has, in every header, in a cookie, and in the address."""
    client, path = Client(raise_request_exception=False), CALLS[0]
    shown = f"ac_live_{flock.canary()}"
    for headers in (
        {"Authorization": f"Bearer {flock.canary()}"},
        {"Authorization": f"Bearer {shown}"},
        {"X-API-Key": flock.canary()},
        {"Authorization": f"Basic {flock.canary()}"},
        {"Cookie": f"session={flock.canary()}; csrf={flock.canary()}"},
        {"Proxy-Authorization": flock.canary(), "X-CSRFToken": flock.canary()},
    ):
        yield client.post(path, {}, "application/json", headers=headers).content
    for address in (f"{path}?api_key={flock.canary()}", f"/metrics?token={flock.canary()}"):
        yield client.get(address).content


def bodies(flock: Flock) -> Iterator[Any]:
    """Names of secrets that no call asks for, anywhere in a body; and a body that is cut."""
    client = Client(raise_request_exception=False)
    headers = {"Authorization": f"Bearer {flock.key}"}
    for path in CALLS:
        name = flock.chance.choice(NAMES)
        body = {name: flock.canary(), "deep": [{name: {"x": flock.canary()}}]}
        yield client.post(path, body, "application/json", headers=headers).content
        cut = json.dumps({name: flock.canary()})[:-1]
        yield client.post(path, cut, "application/json", headers=headers).content


def managed(flock: Flock) -> Iterator[Any]:
    """The value of a managed key, registered and then replaced by a person."""
    client = Client(raise_request_exception=False)
    headers = {"Authorization": f"Bearer {flock.key}"}
    name = f"key-{flock.chance.getrandbits(60)}"
    body = {"key_id": name, "key_type": "secret", "rotator": "manual", "value": flock.canary()}
    yield client.post(f"{KEYS}/register", body, "application/json", headers=headers).content
    again = {"value": flock.canary(), "reason": "manual"}
    client.post(f"{KEYS}/{name}/rotate", again, "application/json", headers=headers)
    yield ""  # that answer, and no other, shows the new value: the contract has it so
    assert ManagedSecret.objects.filter(key_id=name).exists()


def webhooks(flock: Flock) -> Iterator[Any]:
    form = {
        "name": f"hook{flock.chance.getrandbits(60)}",
        "channel": "webhook",
        "address": "https://hooks.example.com/x",
        "secret": flock.canary(),
        "least_severity": "high",
        "takes_alerts": "on",
        "is_enabled": "on",
    }
    yield flock.client.post("/admin/operations/destination/add/", form).content
    assert Destination.objects.filter(name=form["name"]).exists()


def log_lines(flock: Flock) -> Iterator[Any]:
    """What a careless line of code would write."""
    name, given = flock.chance.choice(NAMES), flock.canary()
    flock.chance.choice(LINES)(name, given)
    yield ""


def failures(flock: Flock) -> Iterator[Any]:
    """A traceback that holds one."""
    try:
        broken(flock.chance.choice(NAMES), flock.canary())
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
PLACES: tuple[Entrance, ...] = (
    *(sign_ins, second_factors, people, set_up_links, credentials, bodies, managed, webhooks),
)
WORDS: tuple[Entrance, ...] = (log_lines, failures)
