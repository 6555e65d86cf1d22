"""An identity provider on loopback, over TLS: discovery, keys, and one ID token for each code."""

import ipaddress
import json
import ssl
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from jwt.algorithms import ECAlgorithm

from aethercrown.http.addresses import parse_networks
from aethercrown.identity_provider import ProviderSettings

CLIENT_ID, CLIENT_SECRET = "crown", "a:secret of the client"


class FakeProvider:
    """Signs what `claims` says; a test changes `claims`, `key` or `document` before the sign-in."""

    def __init__(self, ca_file):
        self.key = self.published = ec.generate_private_key(ec.SECP256R1())
        self.ca_file, self.port = ca_file, 0
        self.reset()

    def reset(self):
        self.claims: dict = {}
        self.headers = {"kid": "k1"}
        self.algorithm, self.key = "ES256", self.published
        self.document: dict = {}
        self.answer: bytes | None = None
        self.asked: list[tuple[str, dict, dict]] = []

    @property
    def issuer(self):
        return f"https://127.0.0.1:{self.port}/realm"

    @property
    def settings(self):
        inside = parse_networks("127.0.0.0/8")
        return ProviderSettings(self.issuer, CLIENT_ID, CLIENT_SECRET, inside, str(self.ca_file))

    def discovery(self):
        ways = {
            "authorization_endpoint": "authorize",
            "token_endpoint": "token",
            "jwks_uri": "keys",
        }
        found = {name: f"{self.issuer}/{path}" for name, path in ways.items()}
        return {"issuer": self.issuer, **found, **self.document}

    def keys(self):
        public = json.loads(ECAlgorithm.to_jwk(self.published.public_key()))
        return {"keys": [{**public, "kid": "k1", "use": "sig", "alg": "ES256"}]}

    def token(self):
        now = int(time.time())
        said = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 60, **self.claims}
        said = {name: value for name, value in said.items() if value is not None}
        signed = jwt.encode(said, self.key, algorithm=self.algorithm, headers=self.headers)
        return {"access_token": "unused", "token_type": "Bearer", "id_token": signed}


@contextmanager
def running(folder):
    """A provider that answers until the block ends."""
    pem = certificate(folder)
    provider = FakeProvider(pem)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path.startswith("/realm/authorize?"):
                self.send(consent_page(provider, self.path), 200, "text/html")
                return
            found = {"keys": provider.keys, "openid-configuration": provider.discovery}
            known = self.path.startswith(("/realm/keys", "/realm/.well-known/"))
            self.reply(found[self.path.rpartition("/")[2]](), 200 if known else 404)

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            provider.asked.append((self.path, dict(self.headers), parse_qs(body)))
            self.reply(provider.token())

        def reply(self, content, status=200):
            body = json.dumps(content).encode() if provider.answer is None else provider.answer
            self.send(body, status, "application/json")

        def send(self, body, status, content_type):
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    provider.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def consent_page(provider, path):
    """What a person sees there: one link back, as the provider's own page would lead."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
    provider.claims = {**provider.claims, "nonce": asked["nonce"]}
    back = f"{asked['redirect_uri']}?{urlencode({'code': 'c0de', 'state': asked['state']})}"
    return f'<!doctype html><title>Provider</title><a href="{escape(back)}">Go on</a>'.encode()


def certificate(folder):
    """A file with a certificate of its own for 127.0.0.1, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "provider")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "provider.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


def begun(client, path="/login/sso"):
    """Start a sign-in; what the browser is sent to the provider with."""
    answer = client.get(path)
    assert answer.status_code == 302, answer.content
    return {k: v[0] for k, v in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def signed_in(client, provider, path="/login/sso", **claims):
    """A whole sign-in with these claims; the page that the browser gets at the end."""
    asked = begun(client, path)
    provider.claims = {"sub": "anna-1", "nonce": asked["nonce"], "groups": ["ops"], **claims}
    return client.get("/login/sso/callback", {"code": "c0de", "state": asked["state"]})
