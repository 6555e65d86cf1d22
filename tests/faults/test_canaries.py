"""100,000 made-up secrets through every place that takes one: none comes out again.

CANARIES makes it shorter or longer, FAULT_SEED repeats it. In a round each entrance is used once,
and then a thousand careless log lines and tracebacks are written.
"""

import json
import os
import secrets
import time

import pytest

from security.apikeys import services as keys
from tests import canaries

pytestmark = pytest.mark.fault
SEED = int(os.environ.get("FAULT_SEED", secrets.randbits(32)))
COUNT = int(os.environ.get("CANARIES", "100000"))
LINES = 250  # of each kind in one round


@pytest.mark.django_db
def test_none_of_many_secrets_comes_out(client, admin_user, settings, valkey):
    settings.SECURE_SSL_REDIRECT = False
    settings.API_BURST = settings.API_ADDRESS_BURST = 10**9
    client.raise_request_exception = False
    client.force_login(admin_user)
    key = keys.create("a canary's", ["all"]).plaintext
    flock = canaries.Flock(client, admin_user, key, SEED)
    began = time.monotonic()
    with canaries.logged(flock.stream):
        while flock.made < COUNT:
            for entrance in (*canaries.PLACES, *canaries.WORDS * LINES):
                flock.release(entrance)
    found = flock.found(valkey)
    print(json.dumps({  # noqa: T201 - the figure
        "fault": "canaries",
        "seed": SEED,
        "canaries": flock.made,
        "asked": COUNT,
        "sent": dict(flock.released),
        "log_bytes": len(flock.stream.getvalue()),
        "found": sum(found.values()),
        "seconds": round(time.monotonic() - began),
        "verdict": "broken" if found else "ok",
    }))  # fmt: skip
    assert found == {}
