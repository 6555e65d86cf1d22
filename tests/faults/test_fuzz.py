"""50,000 calls made up from the schema that the app serves: no 5xx, no answer outside the schema.

FUZZ_CALLS makes it shorter or longer, FAULT_SEED repeats it. What was found is printed whole.
"""

import json
import os
import secrets
import time

import pytest

from security.apikeys import services as keys
from tests import fuzzing

pytestmark = pytest.mark.fault
SEED = int(os.environ.get("FAULT_SEED", secrets.randbits(32)))
CALLS = int(os.environ.get("FUZZ_CALLS", "50000"))
EXAMPLES = 60  # random bodies for each operation in one round


@pytest.mark.django_db(transaction=True)
def test_made_up_calls_are_answered_as_the_schema_says(settings):
    fuzzing.without_rate_limits(settings)
    key = keys.create("a fuzzer", ["all"]).plaintext
    found = fuzzing.Findings()
    began, spent, rounds = time.monotonic(), time.process_time(), 0
    while found.calls < CALLS:
        fuzzing.fuzz(key, examples=EXAMPLES, seed=SEED + rounds, into=found)
        rounds += 1
    print(json.dumps({  # noqa: T201 - the figure
        "fault": "fuzz",
        "seed": SEED,
        "calls": found.calls,
        "asked": CALLS,
        "operations": len(found.operations),
        "statuses": dict(sorted(found.statuses.items())),
        "wrong": sum(found.wrong.values()),
        "seconds": round(time.monotonic() - began),
        "cpu_seconds": round(time.process_time() - spent),
        "verdict": "broken" if found.wrong else "ok",
    }))  # fmt: skip
    assert not found.wrong, found.report()
