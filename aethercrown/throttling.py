"""How often one may call: a token bucket for each key or person, and for failures by address.

A bucket holds up to API_BURST tokens and gains API_RATE_PER_SECOND; a call takes one. It is kept
in the broker's server, changed there by one script by that server's clock, so that all web
processes share it. Without a broker, or while it is down, each process keeps buckets of its own:
callers may then call as often as there are processes more, but are never refused for our outage.
"""

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import redis
from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

if TYPE_CHECKING:
    from rest_framework.views import APIView

PAUSE = 5.0  # seconds without asking a broker that failed
PATIENCE = 0.25  # seconds for its answer
MOST_BUCKETS = 10_000  # of one process
SCRIPT = """
local burst, rate, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(kept[1] or burst)
tokens = math.min(burst, tokens + math.max(0, now - tonumber(kept[2] or now)) * rate)
local wait = 0
if tokens < 1 then wait = (1 - tokens) / rate else tokens = tokens - cost end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', tostring(now))
redis.call('PEXPIRE', KEYS[1], math.ceil((burst - tokens) / rate * 1000) + 1000)
return tostring(wait)
"""


class Rate(NamedTuple):
    """A bucket's size and its tokens a second."""

    burst: float
    per_second: float


class OwnBuckets:
    """Buckets of this process, of the `MOST_BUCKETS` latest callers."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.kept: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, rate: Rate, cost: int, now: float) -> float:
        """Seconds to wait for a token: 0 where one was there, and then `cost` are gone."""
        with self.lock:
            tokens, at = self.kept.pop(name, (rate.burst, now))
            tokens = min(rate.burst, tokens + max(0.0, now - at) * rate.per_second)
            wait = 0.0 if tokens >= 1 else (1 - tokens) / rate.per_second
            self.kept[name] = (tokens if wait else tokens - cost, now)
            if len(self.kept) > MOST_BUCKETS:
                self.kept.popitem(last=False)
            return wait


class Buckets:
    """The shared buckets, and this process's own while the broker does not answer."""

    def __init__(self) -> None:
        self.own = OwnBuckets()
        self.paused_until = 0.0

    def take(self, name: str, cost: int = 1, rate: Rate | None = None) -> int:
        """Whole seconds until a token is there, rounded up; 0 where the call may go on."""
        rate = rate or Rate(settings.API_BURST, settings.API_RATE_PER_SECOND)
        now = time.monotonic()
        if settings.REDIS_URL and now >= self.paused_until:
            try:
                return math.ceil(shared(settings.REDIS_URL, name, rate, cost))
            except redis.RedisError:
                self.paused_until = now + PAUSE
        return math.ceil(self.own.take(name, rate, cost, now))


buckets = Buckets()


def shared(url: str, name: str, rate: Rate, cost: int) -> float:
    """Take from the bucket in the broker's server; RedisError where it does not answer."""
    key = f"{settings.CACHE_PREFIX}:bucket:{name}"
    return float(_script(url)(keys=[key], args=[rate.burst, rate.per_second, cost]))


@lru_cache(maxsize=4)
def _script(url: str) -> redis.commands.core.Script:
    client = redis.Redis.from_url(url, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE)
    return client.register_script(SCRIPT)


class TokenBucket(BaseThrottle):
    """One call of this key or person."""

    seconds = 0

    def allow_request(self, request: Request, view: "APIView") -> bool:
        self.seconds = buckets.take(principal(request))
        return not self.seconds

    def wait(self) -> float:
        return self.seconds


def principal(request: Request) -> str:
    """Who calls: `key:<id>` of an API key, `user:<id>` of a person."""
    credential: Any = request.auth
    if credential is not None:
        return f"key:{credential.id}"
    return f"user:{getattr(request.user, 'pk', None)}"


def client_address(request: HttpRequest) -> str:
    """The caller's address: what the outermost of TRUSTED_PROXIES saw, else the peer's.

    Counted from the right of X-Forwarded-For, because callers write what stands on the left. Of
    an IPv6 address the first 64 bits: one household or server has them all.
    """
    seen = [each.strip() for each in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    proxies = settings.TRUSTED_PROXIES
    peer = request.META.get("REMOTE_ADDR", "")
    return network(seen[-proxies] if 0 < proxies <= len(seen) else peer)


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
