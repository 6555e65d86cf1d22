"""A receiver can tell our webhooks from everybody else's, and fresh ones from old ones."""

from datetime import timedelta

from operations.messaging import signature
from tests.operations.conftest import NOON
from tests.operations.messaging.receiver import is_valid

SECRET = "of-the-webhook"  # noqa: S105 - a test's
BODY = b'{"a":1}'


def test_the_signature_is_hmac_sha256_of_timestamp_dot_body():
    # Reckoned with: printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac of-the-webhook
    assert (
        signature.sign(SECRET, "1700000000", BODY)
        == "805012345c4d80824c52b6ae05eb513489437cdde49e26f21f29cb070d9edb94"
    )


def test_a_fresh_one_is_good_and_an_old_one_is_not():
    sent = signature.headers(SECRET, "alert:1:high:webhook:2", BODY, NOON)
    assert sent["X-Event-Id"] == "alert:1:high:webhook:2"
    given_to = (SECRET, sent["X-Timestamp"], BODY, sent["X-Signature"])
    assert is_valid(*given_to, NOON + timedelta(minutes=5))
    assert not is_valid(*given_to, NOON + timedelta(minutes=5, seconds=1))
    assert not is_valid(*given_to, NOON - timedelta(minutes=6))
