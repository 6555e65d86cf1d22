"""Lists by cursor."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import pytest

from aethercrown.api import idempotency
from aethercrown.models import IdempotencyRecord

pytestmark = [pytest.mark.urls("tests.aethercrown.odd_urls"), pytest.mark.django_db]
REPLIES = "/api/v1/replies"


@pytest.fixture
def replies():
    """Seven rows, of which some were made in the same moment."""
    start = datetime(2026, 5, 1, tzinfo=UTC)
    for number in range(7):
        now = start + timedelta(minutes=number // 3)
        idempotency.claim_key("key:1", f"k{number}", "d", now)


def test_pages_hold_every_row_once_forwards_and_back(caller, replies):
    seen, path = [], f"{REPLIES}?limit=2"
    while path:
        page = caller.get(path).json()["data"]
        seen += [each["key"] for each in page["replies"]]
        path, last = page["next"], page
    assert sorted(seen) == [f"k{number}" for number in range(7)]

    back = [each["key"] for each in last["replies"]]
    while last["previous"]:
        last = caller.get(last["previous"]).json()["data"]
        back = [each["key"] for each in last["replies"]] + back
    assert back == seen


def test_a_page_says_what_it_holds(caller, replies):
    answer = caller.get(REPLIES).json()
    assert answer["message"] == "7 replies"
    assert answer["data"]["next"] is answer["data"]["previous"] is None
    assert answer["data"]["replies"][0]["created_at"].startswith("2026-05-01T00:02:00")


def test_one_row_is_shown(caller, replies):
    row = IdempotencyRecord.objects.order_by("pk")[0]
    answer = caller.get(f"{REPLIES}/{row.pk}").json()
    assert (answer["message"], answer["data"]["key"]) == ("The reply", row.key)


@pytest.mark.parametrize("number", [0, 99, 10**30])
def test_an_unknown_row_is_missing(caller, number):
    assert caller.get(f"{REPLIES}/{number}").status_code == 404


@pytest.mark.parametrize("limit", ["0", "501", "-1", "1.5", "ten", "", "99999", "²"])
def test_a_limit_out_of_range_is_refused(caller, limit):
    answer = caller.get(REPLIES, {"limit": limit})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "limit"
    assert "500" in answer.json()["message"]


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        "é",
        "////",
        "A" * 3_000,
        *[
            urlsafe_b64encode(content).decode()
            for content in (
                b"\xff\xfe",
                b"5",
                b"{}",
                b"[]",
                b"[" * 1_000,
                b'[false,"2026-05-01T00:00:00Z"]',
                b'[false,"no date","1"]',
                b'[false,"99999-01-01","1"]',
                b'[false,"0001-01-01T00:00:00+14:00","1"]',
                b'[false,"9999-12-31T23:59:59-14:00","1"]',
                b'[false,"2026-05-01T00:00:00Z","x"]',
                b'[7,"2026-05-01T00:00:00Z","1"]',
                b'[false,["2026-05-01T00:00:00Z"],"1"]',
                b'[false,"2026-05-01T00:00:00Z",1]',
                b"[false,null,null]",
            )
        ],
    ],
)
def test_a_cursor_of_no_list_is_refused(caller, replies, cursor):
    answer = caller.get(REPLIES, {"cursor": cursor})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "cursor"


def test_a_list_costs_one_query_beside_the_credential(caller, replies, django_assert_num_queries):
    caller.get(REPLIES)
    with django_assert_num_queries(2):
        caller.get(REPLIES)


@pytest.mark.parametrize("path", ["/api/v1/tied", "/api/v1/unknown"])
def test_an_ordering_with_ties_is_a_bug_found_at_once(caller, path):
    assert caller.get(path).status_code == 500


def test_a_cursor_past_every_number_finds_nothing(caller, replies):
    far = b'[false,"2026-05-01T00:00:00+00:00","999999999999999999999999"]'
    page = caller.get(REPLIES, {"cursor": urlsafe_b64encode(far).decode()}).json()["data"]
    assert [each["key"] for each in page["replies"]] == []
    assert page["next"] is page["previous"] is None
