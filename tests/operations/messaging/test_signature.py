"""A receiver can tell our webhooks from everybody else's, and fresh ones from old ones."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from operations.messaging import signature
from tests.operations.conftest import NOON

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
    assert signature.is_valid(*given_to, NOON + timedelta(minutes=5))
    assert not signature.is_valid(*given_to, NOON + timedelta(minutes=5, seconds=1))
    assert not signature.is_valid(*given_to, NOON - timedelta(minutes=6))


@given(body=st.binary(max_size=50), secret=st.text(min_size=1), mark=st.text(max_size=64))
def test_anything_else_is_not_good(body, secret, mark):
    stamp = str(int(NOON.timestamp()))
    right = signature.sign(secret, stamp, body)
    assert signature.is_valid(secret, stamp, body, right, NOON)
    assert not signature.is_valid(secret, stamp, body + b" ", right, NOON)
    assert not signature.is_valid(f"{secret}x", stamp, body, right, NOON)
    assert signature.is_valid(secret, stamp, body, mark, NOON) == (mark == right)


@given(stamp=st.text(max_size=14))
def test_a_strange_timestamp_is_refused_and_does_no_harm(stamp):
    good = signature.sign(SECRET, stamp, BODY)
    told = signature.is_valid(SECRET, stamp, BODY, good, NOON)
    fresh = stamp.isdigit() and stamp.isascii() and abs(int(stamp) - NOON.timestamp()) <= 300
    assert told == fresh
