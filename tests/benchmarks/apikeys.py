"""What showing an API key costs: `python -m tests.benchmarks.apikeys [--quick]`.

CPU of this process for one authentication, without the query and with it, on SQLite or on what
DATABASE_URL names. Beside it, in the same run, two peers: the token check of Django REST
framework, which finds the token's own text, and PBKDF2 as Django stores passwords, which some
libraries use for keys.
"""

import argparse
import os
from collections.abc import Callable
from statistics import median
from time import process_time
from typing import Any

from tests.benchmarks import database
from tests.benchmarks.report import Report

OWN_MICROSECONDS = 15.0
TIMES, QUICK = 20_000, 1_000
BLOCKS = 7


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.apikeys")
    parser.add_argument("--quick", action="store_true", help="fewer calls")
    chosen = parser.parse_args()
    report = Report("Showing an API key")
    with database.database("rest_framework.authtoken"):
        run(report, QUICK if chosen.quick else TIMES)
    return report.exit_code


def run(report: Report, times: int) -> None:
    from django.db import connection  # noqa: PLC0415 - Django is set up only now
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    from security.apikeys import services  # noqa: PLC0415
    from security.apikeys.api import KeyAuthentication  # noqa: PLC0415
    from security.apikeys.models import ApiKey  # noqa: PLC0415
    from security.apikeys.services import authenticate  # noqa: PLC0415

    issued = services.create("benchmark", ["all"], limits=services.KeyLimits("127.0.0.0/8"))
    request = shown(f"Bearer {issued.plaintext}")
    ours = KeyAuthentication()
    report.say(f"# {report.title}, {connection.vendor}")
    report.section(f"{times:,} authentications a block, {BLOCKS} blocks, CPU of this process")
    with CaptureQueriesContext(connection) as queries:
        ours.authenticate(request)
    whole = microseconds(lambda: ours.authenticate(request), times // 10)
    (row,) = ApiKey.objects.values_list(*authenticate.KeyRow._fields)
    found = authenticate.find_key
    setattr(authenticate, "find_key", lambda _digests: authenticate.KeyRow(*row))  # noqa: B010 - for a while
    own = microseconds(lambda: ours.authenticate(request), times)
    setattr(authenticate, "find_key", found)  # noqa: B010 - as it was
    report.judge("own CPU, the query left out, microseconds", own, OWN_MICROSECONDS)
    report.judge("queries", len(queries), 1)
    writes = [each for each in queries if not each["sql"].startswith("SELECT")]
    report.judge("writes", len(writes), 0)
    peers(report, whole, times // 10)


def peers(report: Report, whole: float, times: int) -> None:
    """The whole of ours beside the whole of others."""
    from django.contrib.auth.hashers import PBKDF2PasswordHasher  # noqa: PLC0415
    from rest_framework.authentication import TokenAuthentication  # noqa: PLC0415
    from rest_framework.authtoken.models import Token  # noqa: PLC0415

    from security.access.models import User  # noqa: PLC0415

    token = Token.objects.create(user=User.objects.create(username="benchmark"))
    theirs, request = TokenAuthentication(), shown(f"Token {token.key}")
    drf = microseconds(lambda: theirs.authenticate(request), times)
    hasher = PBKDF2PasswordHasher()
    encoded = hasher.encode(token.key, hasher.salt())
    slow = microseconds(lambda: hasher.verify(token.key, encoded), 1)
    rows = [
        ("AetherCrown: digest, scopes, networks, last use", f"{whole:,.0f}", "1.0"),
        ("REST framework token: its text, no scopes", f"{drf:,.0f}", f"{drf / whole:,.1f}"),
        ("PBKDF2 of the key, its query left out", f"{slow:,.0f}", f"{slow / whole:,.1f}"),
    ]
    report.say()
    report.table(("one authentication", "microseconds", "times ours"), rows)
    report.say(f"- load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def shown(header: str) -> Any:
    """A request with that credential, as REST framework sees it."""
    from django.test import RequestFactory  # noqa: PLC0415
    from rest_framework.request import Request  # noqa: PLC0415

    return Request(RequestFactory().get("/", headers={"Authorization": header}))


def microseconds(call: Callable[[], object], times: int) -> float:
    """CPU of one call: the median block."""
    blocks = []
    for _ in range(BLOCKS):
        begun = process_time()
        for _ in range(times):
            call()
        blocks.append((process_time() - begun) / times * 1e6)
    return median(blocks)


if __name__ == "__main__":
    raise SystemExit(main())
