"""A receiver on this machine that keeps secrets side by side, signs, refuses, drops and drips."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from aethercrown.http import outbound
from security.rotation.registry import (
    BindingTerms,
    InvalidConfig,
    OutcomeUnknown,
    RotationContext,
    TargetRefused,
    no_other_secret,
    unbound,
)
from security.rotation.rotators import webhook
from security.rotation.rotators.webhook import Webhook, challenge_answer
from tests.operations.messaging.receiver import is_valid

NOW = datetime(2026, 5, 1, tzinfo=UTC)
URL = {"url": "https://hooks.example.com/keys"}


class Receiver:
    """What a customer's server does with the calls; `fetch` reaches it in place of the network."""

    def __init__(self, *values):
        self.values = dict(enumerate(values, start=1))
        self.events = []
        self.status = 200
        self.error = None

    def fetch(self, url, *, method, headers, body, seconds, limit, allowed):
        if self.error:
            raise self.error
        assert (url, method, seconds <= 10) == (URL["url"], "POST", True)
        given, at = headers["X-Signature"], headers["X-Timestamp"]
        if not any(is_valid(each, at, body, given, NOW) for each in self.values.values()):
            return self.answer(401)
        said = json.loads(body)
        self.events.append(said["event"])
        return self.answer(self.status, self.done(said))

    def done(self, said):
        number = said["version"]
        if said["event"] == "key.set":
            self.values[number] = said["value"]
        elif said["event"] in {"key.undo", "key.revoke"}:
            self.values.pop(number, None)
        elif number in self.values:
            return {"answer": challenge_answer(self.values[number], said["nonce"])}
        return {}

    def answer(self, status, said=None):
        return outbound.OutboundResponse(
            status, {}, b"" if said is None else json.dumps(said).encode(), 0.0
        )


def context(number=2, value="new", current="old"):
    return RotationContext(
        "hook", URL, number, value, {}, current, {}, no_other_secret, lambda _: BindingTerms()
    )


@pytest.fixture
def receiver():
    return Receiver("old")


@pytest.fixture
def kind(receiver):
    return Webhook(receiver.fetch, lambda: NOW)


def test_a_value_is_handed_over_proved_and_the_old_one_revoked(kind, receiver):
    kind.set(context())
    kind.test(context())
    assert receiver.values == {1: "old", 2: "new"}
    kind.revoke(context(number=1, value="old", current="new"))
    assert receiver.values == {2: "new"}
    assert receiver.events == ["key.set", "key.challenge", "key.revoke"]


def test_undoing_leaves_the_old_value(kind, receiver):
    kind.set(context())
    kind.undo(context())
    assert receiver.values == {1: "old"}


def test_a_receiver_that_kept_another_value_fails_the_challenge(kind, receiver):
    kind.set(context(value="other"))
    with pytest.raises(TargetRefused, match="gave a wrong answer"):
        kind.test(context())


@pytest.mark.parametrize("answer", [{"answer": 7}, {"answer": "\ud800"}, [], None, {}])
def test_an_answer_that_proves_nothing_is_refused(answer, receiver):
    receiver.done = lambda _said: answer
    with pytest.raises(TargetRefused):
        Webhook(receiver.fetch, lambda: NOW).test(context())


@pytest.mark.parametrize("step", ["set", "undo", "revoke"])
@pytest.mark.parametrize(
    "said", [{"error": "no such key"}, {"errors": ["no"]}, {"ok": False}, {"success": False}]
)
def test_an_error_in_the_body_is_a_no_whatever_the_status(kind, receiver, step, said):
    receiver.done = lambda _said: said
    with pytest.raises(TargetRefused, match="wrong answer"):
        getattr(kind, step)(context())


@pytest.mark.parametrize("said", [{"error": None, "ok": True}, {}, [], "fine"])
def test_a_body_without_an_error_is_a_yes(kind, receiver, said):
    receiver.done = lambda _said: said
    kind.revoke(context())


def test_without_a_value_nothing_is_signed(kind, receiver):
    with pytest.raises(TargetRefused, match="No value is left to sign with"):
        kind.revoke(context(value="", current=None))
    assert receiver.events == []


def test_a_call_signed_by_a_stranger_is_refused(kind):
    with pytest.raises(TargetRefused, match="gave a wrong answer"):
        kind.set(context(current="guessed"))


@pytest.mark.parametrize("status", [302, 400, 404, 410])
def test_a_clear_no_is_refused(kind, receiver, status):
    receiver.status = status
    with pytest.raises(TargetRefused, match="gave a wrong answer"):
        kind.set(context())


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_whatever_may_be_either_is_unclear(kind, receiver, status):
    receiver.status = status
    with pytest.raises(OutcomeUnknown):
        kind.set(context())


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (outbound.AddressRefused("private"), TargetRefused),
        (outbound.Unreachable("timeout", "slow"), OutcomeUnknown),
        (outbound.ResponseTooLarge("large", 200), OutcomeUnknown),
    ],
)
def test_what_the_line_says_has_its_meaning(kind, receiver, error, meaning):
    receiver.error = error
    with pytest.raises(meaning):
        kind.set(context())


def test_an_answer_that_is_no_json_is_no_answer():
    assert webhook.parse_response(outbound.OutboundResponse(200, {}, b"<html>", 0.0)) is None


@pytest.mark.parametrize(
    "config",
    [{}, {"url": 7}, {"url": "http://example.com"}, {"url": "https://u:p@x.y"}, {**URL, "x": 1}],
)
def test_an_address_that_may_not_be_called_is_no_configuration(kind, config):
    with pytest.raises(InvalidConfig):
        kind.validate_config(config)
    kind.validate_config(URL)


def test_the_real_line_reaches_no_private_address():
    inside = {"url": "https://127.0.0.1/"}
    bound = replace(context(), config=inside)
    with pytest.raises(TargetRefused, match=r"^The target refused\.$"):
        Webhook().set(bound)
    with pytest.raises(TargetRefused, match="No binding lets it be used at 127"):
        Webhook().check_bindings(replace(bound, terms=unbound))
