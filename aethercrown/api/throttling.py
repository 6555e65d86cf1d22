"""Rate limits: a token bucket for each key or person, and two for each address.

A bucket holds up to `burst` tokens and gains `per_second`; a call takes one. Buckets are stored in
the broker's server and changed by one Lua script with that server's clock, so all web processes
share them. Without a broker, or while it is down, buckets of keys and people are database rows,
changed by one UPSERT with the database's clock; buckets of addresses are then local to the process,
so that calls without a key cause no writes. An outage of the broker refuses no call.
"""

import hmac
import ipaddress
import math
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import redis
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from aethercrown.db.clock import NOW_SECONDS
from aethercrown.models import RateLimitBucket

if TYPE_CHECKING:
    from rest_framework.views import APIView

BROKER_PAUSE_SECONDS = 5.0  # seconds until a broker that failed is asked again
BROKER_TIMEOUT_SECONDS = 0.25  # seconds to wait for its answer
MAX_LOCAL_BUCKETS = 10_000  # of one process
MAX_KNOWN_CALLERS = 10_000  # credentials whose bucket a process remembers
CREDENTIAL_HEADERS = ("HTTP_AUTHORIZATION", "HTTP_X_API_KEY")
# An address that a proxy wrote in brackets or with its port: [2001:db8::1]:443, 203.0.113.7:5012.
WITH_PORT = re.compile(r"(?:\[([\da-fA-F:.]{2,45})\]|(\d{1,3}(?:\.\d{1,3}){3}))(?::\d{1,5})?")
BUCKET_RETENTION_SECONDS = 30 * 86_400  # of a bucket without a call: after that it is full
# The buckets before `split` all give their tokens, or none does; the others give theirs only if
# those did, likewise together. A full bucket need not be stored.
SCRIPT = """
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local function take(first, last)
  local wait, tokens = 0, {}
  for place = first, last do
    local burst, rate = tonumber(ARGV[3 * place]), tonumber(ARGV[3 * place + 1])
    local stored = redis.call('HMGET', KEYS[place], 'tokens', 'at')
    local gained = math.max(0, now - tonumber(stored[2] or now)) * rate
    tokens[place] = math.min(burst, tonumber(stored[1] or burst) + gained)
    if tokens[place] < 1 then wait = math.max(wait, (1 - tokens[place]) / rate) end
  end
  for place = first, last do
    local burst, rate = tonumber(ARGV[3 * place]), tonumber(ARGV[3 * place + 1])
    local left = tokens[place]
    if wait == 0 then left = left - tonumber(ARGV[3 * place + 2]) end
    if left >= burst then
      redis.call('DEL', KEYS[place])
    else
      redis.call('HSET', KEYS[place], 'tokens', tostring(left), 'at', tostring(now))
      local seconds = math.min((burst - left) / rate, tonumber(ARGV[2]))
      redis.call('PEXPIRE', KEYS[place], math.ceil(seconds * 1000) + 1000)
    end
  end
  return wait
end
local split, wait, next_wait = tonumber(ARGV[1]), 0, 0
wait = take(1, split)
if wait == 0 then next_wait = take(split + 1, #KEYS) end
return {tostring(wait), tostring(next_wait)}
"""
# `tokens_now` is the number of tokens now; the %(names)s are bound parameters.
TOKENS_NOW = "{least}(%(burst)s, b.tokens + {most}(0, {now} - b.counted_at) * %(rate)s)"
UPSERT = """
INSERT INTO aethercrown_ratelimitbucket AS b (name, tokens, wait, counted_at)
VALUES (%(name)s, %(burst)s - %(cost)s, 0, {now})
ON CONFLICT (name) DO UPDATE SET
  tokens = CASE WHEN {tokens_now} >= 1 THEN {tokens_now} - %(cost)s ELSE {tokens_now} END,
  wait = CASE WHEN {tokens_now} >= 1 THEN 0 ELSE (1 - {tokens_now}) / %(rate)s END,
  counted_at = {now}
RETURNING wait
"""
DIALECTS = {
    "postgresql": {
        "least": "LEAST",
        "most": "GREATEST",
        "now": NOW_SECONDS["postgresql"],
    },
    "sqlite": {"least": "MIN", "most": "MAX", "now": NOW_SECONDS["sqlite"]},
}


class Rate(NamedTuple):
    """A bucket's size and its tokens a second."""

    burst: float
    per_second: float


class TokenRequest(NamedTuple):
    """Take `cost` tokens from one bucket; a cost of 0 only checks that one is left."""

    name: str
    rate: Rate
    cost: int = 1


class LocalBuckets:
    """Buckets of this process, for its `MAX_LOCAL_BUCKETS` most recent callers."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.stored: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def acquire(self, takes: Sequence[TokenRequest], now: float) -> float:
        """Seconds until every bucket has a token; at 0 the tokens have been taken."""
        with self.lock:
            tokens_now = [self.tokens_at(each, now) for each in takes]
            short = [
                (1 - tokens) / each.rate.per_second
                for each, tokens in zip(takes, tokens_now, strict=True)
                if tokens < 1
            ]
            for each, tokens in zip(takes, tokens_now, strict=True):
                self.stored[each.name] = (tokens if short else tokens - each.cost, now)
                self.stored.move_to_end(each.name)
            while len(self.stored) > MAX_LOCAL_BUCKETS:
                self.stored.popitem(last=False)
            return max(short, default=0.0)

    def tokens_at(self, take: TokenRequest, now: float) -> float:
        tokens, at = self.stored.get(take.name, (take.rate.burst, now))
        return min(take.rate.burst, tokens + max(0.0, now - at) * take.rate.per_second)


class SharedBuckets:
    """Buckets shared by all processes; rows or local buckets while the broker does not answer."""

    def __init__(self) -> None:
        self.own = LocalBuckets()
        self.paused_until = 0.0

    def acquire(
        self, name: str, cost: int = 1, rate: Rate | None = None, *, in_rows: bool = False
    ) -> int:
        """Seconds until a token is available, rounded up; 0 if the call is allowed.

        With `in_rows` the bucket is a database row while there is no broker.
        """
        take = TokenRequest(name, rate or key_rate(), cost)
        waits = self.shared([take])
        wait = waits[0] if waits else take_from_row(take) if in_rows else None
        return rounded_up(self.own.acquire([take], time.monotonic()) if wait is None else wait)

    def acquire_then(
        self, takes: Sequence[TokenRequest], last: TokenRequest | None
    ) -> tuple[int, int | None]:
        """As `acquire`, from all of `takes` or from none; if allowed, then from `last`.

        Both in one call of the broker. The second wait is None if `last` was not asked.
        """
        waits = self.shared([*takes, last] if last else takes, split=len(takes))
        if waits is None:
            return rounded_up(self.own.acquire(takes, time.monotonic())), None
        wait, last_wait = map(rounded_up, waits)
        return wait, None if wait or last is None else last_wait

    def shared(
        self, takes: Sequence[TokenRequest], split: int | None = None
    ) -> tuple[float, float] | None:
        """The waits in seconds from the broker; None without one and just after a failure."""
        now = time.monotonic()
        if not settings.REDIS_URL or now < self.paused_until:
            return None
        keys = [f"{settings.CACHE_PREFIX}:bucket:{each.name}" for each in takes]
        numbers = [part for each in takes for part in (*each.rate, each.cost)]
        split = len(takes) if split is None else split
        try:
            wait, last_wait = _script(settings.REDIS_URL)(
                keys=keys, args=[split, BUCKET_RETENTION_SECONDS, *numbers]
            )
        except redis.RedisError:
            self.paused_until = now + BROKER_PAUSE_SECONDS
            return None
        return float(wait), float(last_wait)


class RecentCallers:
    """The bucket of each recently authenticated credential, by a fingerprint of its headers.

    It only chooses the bucket to take from before the key is verified, so that the buckets of the
    address and of the key cost one call of the broker. It never authenticates a request. The
    address is part of the fingerprint: from where a key may not be used, nobody takes its tokens.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.salt = secrets.token_bytes(32)
        self.known: OrderedDict[bytes, TokenRequest] = OrderedDict()

    def fingerprint(self, request: HttpRequest) -> bytes:
        """A digest of the address and the headers that may hold an API key; empty without one."""
        shown = "\n".join(request.META.get(name, "") for name in CREDENTIAL_HEADERS)
        if len(shown) < len(CREDENTIAL_HEADERS):
            return b""
        known = f"{exact_address(request)}\n{shown}"
        return hmac.digest(self.salt, known.encode(errors="surrogateescape"), "sha256")

    def find(self, fingerprint: bytes) -> TokenRequest | None:
        return self.known.get(fingerprint)

    def note(self, fingerprint: bytes, take: TokenRequest) -> None:
        """Store the bucket of a credential that was verified."""
        if self.known.get(fingerprint) == take:
            return
        with self.lock:
            self.known[fingerprint] = take
            while len(self.known) > MAX_KNOWN_CALLERS:
                self.known.popitem(last=False)


callers = RecentCallers()
buckets = SharedBuckets()


def rounded_up(wait: float) -> int:
    """Whole seconds; at most the time after which an unused bucket is full at any rate."""
    return math.ceil(min(wait, BUCKET_RETENTION_SECONDS))


def take_from_row(take: TokenRequest) -> float | None:
    """Seconds to wait by the bucket's row, in one UPSERT; None if the database fails."""
    words = DIALECTS[connection.vendor]
    sql = UPSERT.format(tokens_now=TOKENS_NOW.format(**words), now=words["now"])
    bound: dict[str, str | float] = {
        "name": take.name,
        "burst": float(take.rate.burst),
        "rate": float(take.rate.per_second),
        "cost": take.cost,
    }
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql, bound)
            return float(cursor.fetchone()[0])
    except (DatabaseError, InterfaceError):
        return None


def purge() -> int:
    """Delete the rows of buckets not used for a month; returns how many."""
    old = time.time() - BUCKET_RETENTION_SECONDS
    return RateLimitBucket.objects.filter(counted_at__lt=old).delete()[0]


@lru_cache(maxsize=4)
def _script(url: str) -> redis.commands.core.Script:
    client = redis.Redis.from_url(
        url, socket_connect_timeout=BROKER_TIMEOUT_SECONDS, socket_timeout=BROKER_TIMEOUT_SECONDS
    )
    return client.register_script(SCRIPT)


def key_rate() -> Rate:
    """The default rate of a key or a person."""
    return Rate(settings.API_BURST, settings.API_RATE_PER_SECOND)


def address_rate() -> Rate:
    """The rate of an address; never less than that of one key."""
    return Rate(
        max(settings.API_ADDRESS_BURST, settings.API_BURST),
        max(settings.API_ADDRESS_RATE_PER_SECOND, settings.API_RATE_PER_SECOND),
    )


class Admission(NamedTuple):
    """What `admit` found: the bucket of the key, if known, and the seconds to wait for it."""

    fingerprint: bytes
    take: TokenRequest | None = None
    seconds: int | None = None


def admit(request: HttpRequest) -> int:
    """Seconds to wait if the address makes too many calls or sent too many wrong credentials.

    Runs before the key is looked up. Takes from the key's bucket too, if it is known; TokenBucket
    returns that result after the key was verified.
    """
    address, fingerprint = client_address(request), callers.fingerprint(request)
    take = callers.find(fingerprint) if fingerprint else None
    of_address = TokenRequest(f"address:{address}", address_rate())
    failures = TokenRequest(f"failures:{address}", key_rate(), cost=0)
    wait, seconds = buckets.acquire_then([of_address, failures], take)
    request.admission = Admission(fingerprint, take, seconds)  # type: ignore[attr-defined]  # ours
    return wait


def note_failure(request: HttpRequest) -> None:
    """Count a wrong credential against its address."""
    buckets.acquire(f"failures:{client_address(request)}")


class TokenBucket(BaseThrottle):
    """Takes one token from the bucket of the key or person; a key may have its own rate."""

    seconds = 0

    def allow_request(self, request: Request, view: "APIView") -> bool:
        take = TokenRequest(principal(request), getattr(request.auth, "rate", None) or key_rate())
        admission: Admission | None = getattr(request, "admission", None)
        if admission and admission.seconds is not None and admission.take == take:
            self.seconds = admission.seconds
            return not self.seconds
        if admission and admission.fingerprint and request.auth is not None:
            callers.note(admission.fingerprint, take)
        self.seconds = buckets.acquire(take.name, rate=take.rate, in_rows=True)
        return not self.seconds

    def wait(self) -> float:
        return self.seconds


def principal(request: Request) -> str:
    """The caller: `key:<id>` of an API key, `user:<id>` of a person."""
    credential: Any = request.auth
    if credential is not None:
        return f"key:{credential.id}"
    return f"user:{getattr(request.user, 'pk', None)}"


def client_address(request: HttpRequest) -> str:
    """The caller's address for rate limits; of an IPv6 address the /64 network."""
    return network(exact_address(request))


def exact_address(request: HttpRequest) -> str:
    """The caller's address as the outermost of TRUSTED_PROXIES saw it, else the peer's.

    Counted from the right of X-Forwarded-For, because the caller controls its left part. Without
    the port that some proxies write after it.
    """
    peer: str = request.META.get("REMOTE_ADDR", "")
    proxies = settings.TRUSTED_PROXIES
    if not proxies:
        return peer
    seen = [each.strip() for each in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    if proxies > len(seen):
        return peer
    written = WITH_PORT.fullmatch(seen[-proxies])
    return (written[1] or written[2]) if written else seen[-proxies]


def network(address: str) -> str:
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped:
            return str(known.ipv4_mapped)
        return str(ipaddress.ip_network((known, 64), strict=False))
    return str(known)
