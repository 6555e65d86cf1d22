"""Users of rotated keys, each a process of its own: `python -m tests.faults.consumers NAME`.

A consumer reads its settings as JSON from its input, does its work until it is ended, and keeps a
count of what became of each call in a file: ok, down (its target did not answer) or refused.

- web: answers over HTTP; logs in at PostgreSQL with what a mounted Kubernetes Secret holds.
- reader: logs in with what its file held at its start, and at each SIGHUP since.
- puller: logs in with the value that it asks the platform for, every few seconds.
- receiver: keeps the secrets that are delivered to it, and checks the signatures of calls.
- sender: signs calls to the receiver with the value that it asks the platform for.
"""

import base64
import hmac
import http.client
import json
import os
import secrets
import signal
import ssl
import sys
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psycopg

from tests.operations.messaging.receiver import is_valid

REFUSALS = ("authentication failed", "not permitted to log in", "does not exist")
PULL_SECONDS = 2.5  # between two questions: the platform answers one every two seconds
PAUSE_SECONDS = 0.01  # between two calls


def log_in(folder, role, password):
    """What becomes of one log-in at the database."""
    try:
        with psycopg.connect(
            host=folder, dbname="postgres", user=role, password=password, connect_timeout=5
        ) as line:
            line.execute("SELECT 1")
    except psycopg.Error as error:
        return f"refused: {error}" if any(each in str(error) for each in REFUSALS) else "down"
    return "ok"


class Count:
    """The calls by what became of them, in a file that the test reads."""

    def __init__(self, path):
        self.path, self.written_at = Path(path), 0.0
        self.found: Counter[str] = Counter()
        self.refusals: list[str] = []

    def add(self, outcome, **more):
        self.found[outcome.partition(":")[0]] += 1
        if outcome.startswith("refused"):
            self.refusals.append(f"{time.time():.3f} {outcome[:200]} {more}")
        if time.monotonic() - self.written_at > 0.2:
            self.written_at = time.monotonic()
            draft = self.path.with_suffix(".draft")
            draft.write_text(json.dumps({**self.found, "refusals": self.refusals[:5], **more}))
            draft.replace(self.path)


# --- PostgreSQL ---------------------------------------------------------------------------------
def web(given):
    """One log-in for each request, with the role and the password of the mounted manifest."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            data = json.loads(Path(given["file"]).read_text())["data"]
            role, value = (base64.b64decode(data[each]).decode() for each in ("role", "value"))
            answer(self, {"outcome": log_in(given["database"], role, value), "value": seen(value)})

        def log_message(self, *_args):
            pass

    ThreadingHTTPServer(("127.0.0.1", given["port"]), Handler).serve_forever()


def reader(given):
    count, known = Count(given["count"]), {}

    def load(*_signal):
        known.update(json.loads(Path(given["file"]).read_text()))

    signal.signal(signal.SIGHUP, load)
    load()
    Path(given["pid"]).write_text(str(os.getpid()))
    while True:
        role, value = known["role"], known["value"]
        count.add(log_in(given["database"], role, value), value=seen(value))
        time.sleep(PAUSE_SECONDS)


def puller(given):
    count, ask = Count(given["count"]), Asked(given)
    while True:
        held = ask.value()
        outcome = log_in(given["database"], held["detail"]["role"], held["value"])
        count.add(outcome, value=seen(held["value"]))
        time.sleep(PAUSE_SECONDS)


class Asked:
    """The value of a key, asked for at most every PULL_SECONDS; kept while nobody answers."""

    def __init__(self, given):
        self.given, self.held, self.at = given, {}, 0.0

    def value(self):
        while time.monotonic() - self.at > PULL_SECONDS or not self.held:
            self.at = time.monotonic()
            headers = {"Authorization": f"Bearer {self.given['api_key']}"}
            with suppress(HTTPError, OSError):
                asked = Request(self.given["url"], headers=headers)  # noqa: S310 - loopback
                with urlopen(asked, timeout=10) as reply:  # noqa: S310 - the same
                    self.held = json.load(reply)["data"]
            if not self.held:
                time.sleep(0.2)
        return self.held


# --- A webhook ----------------------------------------------------------------------------------
def receiver(given):
    """Keep the secrets by version, in a file: a receiver that was killed still has them."""
    kept = Path(given["kept"])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            values = json.loads(kept.read_text())
            at, signed = self.headers["X-Timestamp"], self.headers["X-Signature"]
            now = datetime.now(UTC)
            if not any(is_valid(each, at, body, signed, now) for each in values.values()):
                answer(self, {"error": "no secret of ours signed this"}, 401)
                return
            answer(self, obey(json.loads(body), values, kept))

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", given["port"]), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(given["certificate"])
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


def obey(said, values, kept):
    """What a delivery or a call is answered; secrets that came or went are kept first."""
    number = str(said.get("version"))
    if said["event"] == "key.challenge" and number in values:
        proof = hmac.digest(values[number].encode(), said["nonce"].encode(), "sha256")
        return {"answer": proof.hex()}
    if said["event"] == "key.set":
        keep({**values, number: said["value"]}, kept)
    elif said["event"] in {"key.undo", "key.revoke"}:
        keep({each: value for each, value in values.items() if each != number}, kept)
    return {}


def keep(values, kept):
    draft = kept.with_suffix(f".{secrets.token_hex(4)}")
    draft.write_text(json.dumps(values))
    draft.replace(kept)


def sender(given):
    count, ask, line = Count(given["count"]), Asked(given), None
    trust = ssl.create_default_context(cafile=given["certificate"])
    while True:
        value = ask.value()["value"]
        try:
            line = line or http.client.HTTPSConnection(
                "127.0.0.1", given["port"], timeout=5, context=trust
            )
            outcome = send(line, value)
        except (OSError, http.client.HTTPException):
            outcome, line = "down", None
            time.sleep(0.1)
        count.add(outcome, value=seen(value))
        time.sleep(PAUSE_SECONDS)


def send(line, value):
    body, at = json.dumps({"event": "call"}).encode(), str(int(time.time()))
    signed = hmac.new(value.encode(), at.encode() + b"." + body, "sha256").hexdigest()
    line.request("POST", "/", body, {"X-Timestamp": at, "X-Signature": signed})
    reply = line.getresponse()
    reply.read()
    return "ok" if reply.status == 200 else f"refused: {reply.status}"


def answer(handler, said, status=200):
    body = json.dumps(said).encode()
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def seen(value):
    """A value without telling it."""
    return hmac.digest(b"seen", value.encode(), "sha256").hex()[:12]


if __name__ == "__main__":
    {each.__name__: each for each in (web, reader, puller, receiver, sender)}[sys.argv[1]](
        json.loads(sys.stdin.read())
    )
