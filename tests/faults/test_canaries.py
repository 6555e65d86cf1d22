"""100,000 made-up secrets through every place that takes one: none comes out again.

CANARIES makes it shorter or longer, FAULT_SEED repeats it. In a round each source is used once,
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
    sent = canaries.Canaries(client, admin_user, key, SEED)
    began = time.monotonic()
    with canaries.logged(sent.stream):
        while sent.made < COUNT:
            for source in (*canaries.PLACES, *canaries.WORDS * LINES):
                sent.send(source)
    found = sent.leaks(valkey)
    print(json.dumps({  # noqa: T201 - the figure
        "fault": "canaries",
        "seed": SEED,
        "canaries": sent.made,
        "asked": COUNT,
        "sent": dict(sent.released),
        "log_bytes": len(sent.stream.getvalue()),
        "found": sum(found.values()),
        "seconds": round(time.monotonic() - began),
        "verdict": "broken" if found else "ok",
    }))  # fmt: skip
    assert found == {}
