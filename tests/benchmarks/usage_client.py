"""A client of tests/benchmarks/usage_http.py: sends events for so long, then prints what it sent.

Its arguments: port, API key, number of this client, seconds, events a call. Only the standard
library, so that the client takes little of the machine.
"""

import json
import random
import sys
import time
from collections import deque
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection

CLIENTS, METRICS, DAYS = 2_000, ("api_calls", "exports", "seats_used"), 20
REPEATED, LATE, LATE_DAYS = 0.3, 0.05, 10
PAUSE_SECONDS = 0.2  # before a call that was answered with 503 is repeated
KEPT = 20_000  # events that may be sent again
PATH = "/api/v1/enterprise/usage/track"


class Source:
    """Events, as JSON; some are sent again. `count` and `total` are of the different ones."""

    def __init__(self, number: int) -> None:
        self.draw = random.Random(number)  # noqa: S311 - made-up events
        self.number = number
        self.count = self.total = self.sent = 0
        self.made: deque[str] = deque(maxlen=KEPT)
        now = datetime.now(UTC)
        minutes = range((DAYS + LATE_DAYS) * 1440)
        self.minutes = [(now - timedelta(minutes=each + 2)).isoformat()[:17] for each in minutes]

    def event(self) -> str:
        draw = self.draw.random
        self.sent += 1
        if self.made and draw() < REPEATED / (1 + REPEATED):
            return self.made[int(draw() * len(self.made))]
        self.count += 1
        quantity = 1 + int(draw() * 499)
        self.total += quantity
        minute = int(draw() * DAYS * 1440) + (LATE_DAYS * 1440 if draw() < LATE else 0)
        event = (
            f'{{"event_id":"{self.number}-{self.count}",'
            f'"client_id":"client-{int(draw() * CLIENTS)}",'
            f'"metric":"{METRICS[int(draw() * 3)]}","quantity":{quantity},'
            f'"timestamp":"{self.minutes[minute]}{int(draw() * 60):02}Z"}}'
        )
        self.made.append(event)
        return event

    def body(self, size: int) -> bytes:
        return f'{{"events":[{",".join(self.event() for _ in range(size))}]}}'.encode()


def main(port: int, key: str, number: int, seconds: float, size: int) -> None:
    source, took, refused = Source(number), [], 0
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    begun = time.monotonic()
    ends = begun + seconds
    while time.monotonic() < ends:
        body = source.body(size)
        began = time.monotonic()
        while (status := post(connection, body, headers)) == 503:  # as a client of ours must
            refused += 1
            time.sleep(PAUSE_SECONDS)
        if status != 200:
            raise SystemExit(f"It was answered with {status}.")
        took.append(time.monotonic() - began)
    figures = {
        "sent": source.sent,
        "count": source.count,
        "total": source.total,
        "took": took,
        "refused": refused,
        "seconds": time.monotonic() - begun,
    }
    sys.stdout.write(json.dumps(figures))


def post(connection: HTTPConnection, body: bytes, headers: dict[str, str]) -> int:
    """The status; the answer is read to its end."""
    connection.request("POST", PATH, body, headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status


if __name__ == "__main__":
    _, port, key, number, seconds, size = sys.argv
    main(int(port), key, int(number), float(seconds), int(size))
