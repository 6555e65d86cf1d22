"""An agent outside the platform: takes tasks over HTTP, works, reports; killed at any moment.

`agent URL KEY NAME JOURNAL SECONDS LEASE`: each task that it takes, and each report that was
accepted, is a line in the journal, on the disk before the next step.
"""

import json
import os
import sys
import time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

CALLS = "/api/v1/optimization/tasks"


def call(url, key, path, body=None):
    """(status, data) of a call; refusals are answers too, and 0 says that the line was cut."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    content = None if body is None else json.dumps(body).encode()
    request = Request(f"{url}{CALLS}{path}", content, headers)  # noqa: S310 - our own loopback address
    try:
        with urlopen(request, timeout=60) as reply:  # noqa: S310 - the same
            return reply.status, json.load(reply)["data"]
    except HTTPError as refusal:
        return refusal.code, json.load(refusal)
    except OSError as error:
        return 0, str(error)


def note(journal, **line):
    handle = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, json.dumps(line).encode() + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)


def call_with_retry(*arguments):
    """As `call`, repeated after 429 and 503, and where the connection was cut."""
    while (answer := call(*arguments))[0] in {0, 429, 503}:
        time.sleep(0.2)
    return answer


def work(where, name, journal, *, seconds, lease):
    """Work until there has been no task for 40 seconds."""
    idle = 0
    while idle < 200:
        _, given = call_with_retry(*where, "/assign", {"worker": name, "lease_seconds": lease})
        if not given["assignments"]:
            idle += 1
            time.sleep(0.2)
            continue
        idle, task = 0, given["assignments"][0]["task"]
        note(journal, what="took", task=task["task_id"], attempt=task["attempt"], by=name,
             at=time.time())  # fmt: skip
        time.sleep(seconds)
        status, _ = call_with_retry(*where, f"/{task['task_id']}/complete", {"worker": name})
        note(journal, what="ended", task=task["task_id"], by=name, status=status)


if __name__ == "__main__":
    address, secret, own, place, *numbers = sys.argv[1:]
    time_taken, time_held = map(float, numbers)
    work((address, secret), own, place, seconds=time_taken, lease=time_held)
