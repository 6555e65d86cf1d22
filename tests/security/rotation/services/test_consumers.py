"""A consumer that calls its target at every step of twenty rotations is never refused.

It reads its value from a file, asks for it, or gets it as a webhook. The target accepts what works
there; twice it gives no answer while a value is tested, and the rotation is repeated.
"""

import base64
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from aethercrown.http.outbound import OutboundResponse
from security.rotation import registry, services
from security.rotation.models import KeyChannel
from security.rotation.rotators.webhook import Webhook, challenge_answer
from security.rotation.services import channels
from tests.security.rotation.stored import puller

pytestmark = pytest.mark.django_db
ROTATIONS = 7
DOWN_IN = {2, 5}  # rotations in which the target is away; tests/faults rotates twenty times


class Consumer:
    """Counts its calls, and those that the target refused."""

    def __init__(self, world, value):
        self.world, self.value = world, value
        self.calls = self.refused = 0

    def call(self, _failpoint=""):
        self.calls += 1
        self.refused += self.value() not in self.world.works["db"]


class InMemoryReceiver:
    """What a webhook receiver does: it keeps values by version and uses the newest."""

    def __init__(self):
        self.values = {}

    def fetch(self, _url, *, body, **_options):
        said = json.loads(body)
        answer = {}
        if said["event"] == "key.set":
            self.values[said["version"]] = said["value"]
        elif said["event"] == "key.challenge":
            answer = {"answer": challenge_answer(self.values[said["version"]], said["nonce"])}
        else:
            self.values.pop(said["version"], None)
        return OutboundResponse(200, {}, json.dumps(answer).encode(), 0.0)

    def newest(self):
        return self.values[max(self.values)]


def file_reader(key, settings, folder):
    settings.KEY_FILES_DIR = folder
    KeyChannel.objects.create(key=key, name="web", kind="file", config={"path": "shop"})
    (folder / "shop").write_text("first", encoding="utf-8")
    return lambda: (folder / "shop").read_text("utf-8")


def manifest_reader(key, settings, folder):
    settings.KEY_FILES_DIR = folder
    config = {"path": "shop.json", "namespace": "shop", "secret": "shop"}
    channel = KeyChannel.objects.create(key=key, name="web", kind="kubernetes", config=config)
    assert channels.check(channel)

    def value():
        manifest = json.loads((folder / "shop.json").read_bytes())
        return base64.b64decode(manifest["data"]["value"]).decode()

    return value


def asker(key, _settings, _folder):
    reader = puller(key)
    return lambda: services.reveal("db", reader.api_key_id, actor="x", now=timezone.now()).value


def hook_receiver(key, monkeypatch):
    receiver = InMemoryReceiver()
    receiver.values[1] = "first"
    config = {"url": "https://hooks.example.com/key"}
    KeyChannel.objects.create(key=key, name="web", kind="webhook", config=config)
    entries = {**registry.channels._entries, "webhook": Webhook(receiver.fetch)}
    monkeypatch.setattr(registry.channels, "_entries", entries)
    return receiver.newest


@pytest.fixture(params=["file", "kubernetes", "pull", "webhook"])
def value(request, key, settings, tmp_path, monkeypatch):
    """How the consumer gets its value, in each way that there is."""
    ways = {"file": file_reader, "kubernetes": manifest_reader, "pull": asker}
    if request.param == "webhook":
        return hook_receiver(key, monkeypatch)
    return ways[request.param](key, settings, tmp_path)


def test_no_call_is_refused_for_its_credential(world, lapse, value):
    consumer = Consumer(world, value)
    for number in range(ROTATIONS):
        if number in DOWN_IN:
            world.broken.add("test")
            with pytest.raises(services.RotationFailed):
                services.rotate("db", failpoint=consumer.call, end_previous=True)
            world.broken.clear()
            lapse()
        grace = timedelta(hours=1)
        services.rotate("db", grace=grace, failpoint=consumer.call, end_previous=True)
        consumer.call()
    assert services.get("db").versions.filter(state="current").get().number == ROTATIONS + 1
    assert consumer.calls > ROTATIONS * 10
    assert consumer.refused == 0
