"""Odd addresses and forms of pages and the admin are the sender's mistake, never ours."""

import re

import pytest
from django.contrib import admin
from django.db import DataError, NotSupportedError, transaction
from django.urls import reverse

from aethercrown.http import bad_input
from tests.security.access.access_rules import ROUTES

pytestmark = pytest.mark.django_db
HUGE = "9" * 60
VALUES = (
    *("%00", "a%00b", HUGE, f"-{HUGE}", "9223372036854775808", "abc", "1e400", "NaN", "-1", "0"),
    *("9999-12", "0001-01", "0000-00-00", "9999-12-31", "1-1-1", "%ff", "%ed%a0%80", "x" * 2_000),
)
# Each list meets a sixth of the values and each form a quarter: together they meet all of them many
# times over. Every value on every address is sent by `python -m tests.faults`.
LISTS = [
    reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    for model in admin.site._registry
]
# The buttons on the pages of rows, as the URL map has them.
BUTTON = re.compile(r"admin/\w+/\w+/<path:object_id>/(?!(change|delete|history)/)[\w-]+/")
BUTTONS = [f"/{path}" for path, _ in ROUTES if BUTTON.fullmatch(path)]
FORM_VALUES = ("abc", HUGE, "NaN", '{"a": NaN}', "9999-12-31", "0001-01-01", "a\0b", "\ud800")
RELATED = ("channel", "customer", "user", "plan", "automation", "key", "destination")
ODDEST = ("%00", HUGE, "9223372036854775808", "NaN", "9999-12", "%ff")
NAMES = ("q", "p", "o", "e", "id__exact", "pk", "date__year", "created_at__year", "state__exact")


@pytest.fixture
def staff(admin_client):
    admin_client.raise_request_exception = False
    return admin_client


def status(call, *arguments):
    """The answer's status; PostgreSQL refuses a whole transaction after what it could not read."""
    mark = transaction.savepoint()
    answer = call(*arguments)
    transaction.savepoint_rollback(mark)
    return answer.status_code


ODD_ADDRESSES = [
    f"/dashboards/upsell/{HUGE}",
    f"/dashboards/pricing/versions/{HUGE}",
    f"/dashboards/revenue/bills/{HUGE}",
    f"/dashboards/health/{HUGE}",
    f"/dashboards/decisions/{HUGE}?step={HUGE}",
    *(f"/dashboards/decisions/decide?step=approve&pk={value}" for value in ODDEST),
    "/dashboards/budget/%00",
    *(f"/dashboards/revenue?month={value}" for value in VALUES),
    *(f"/dashboards/revenue?from={value}&to={value}" for value in VALUES),
    *(f"/dashboards/revenue/bills/1?month={value}&day={value}" for value in VALUES),
    *(f"/dashboards/decisions?q={value}&page={value}&currency={value}" for value in ODDEST),
    *(f"/admin/operations/decision/{value}/change/" for value in ODDEST),
    *(f"/admin/marketing/performance/?date__year={value}" for value in ODDEST),
    *(f"/admin/marketing/performance/?channel__id__exact={value}" for value in ODDEST),
    *(f"/admin/security/rotationrun/?uptime__{way}={HUGE}" for way in ("exact", "in", "gte")),
    "/admin/operations/job/?result__contains=csv",
    "/admin/operations/dataimport/?content=1",  # a file
]


def test_an_odd_address_is_no_server_error(staff):
    assert [path for path in ODD_ADDRESSES if status(staff.get, path) >= 500] == []


def test_the_buttons_of_rows_are_found():
    assert "/admin/operations/alert/<path:object_id>/acknowledge/" in BUTTONS
    assert "/admin/operations/job/<path:object_id>/cancel-job/" in BUTTONS
    assert len(BUTTONS) > 20


def test_no_button_fails_for_an_odd_row(staff):
    addresses = [
        path.replace("<path:object_id>", value)
        for place, path in enumerate(BUTTONS)
        for value in ODDEST[place % 3 :: 3]
    ]
    for call in (staff.get, staff.post):
        assert [each for each in addresses if status(call, each) >= 500] == []


@pytest.mark.parametrize(
    "lookup", ["file_name__regex=(a%2B)%2B$", "file_name__iregex=(", "rows__range=1"]
)
def test_a_list_takes_no_pattern_and_no_range_from_its_address(staff, lookup):
    assert staff.get(f"/admin/operations/dataimport/?{lookup}").status_code == 400


def odd_filters():
    for place, path in enumerate(LISTS):
        for at, value in enumerate(VALUES[place % 6 :: 6]):
            yield f"{path}?{NAMES[(place + at) % len(NAMES)]}={value}"
        yield f"{path}?{RELATED[place % len(RELATED)]}__id__exact=abc"


def test_no_list_of_the_admin_fails_for_an_odd_filter(staff):
    assert [each for each in odd_filters() if status(staff.get, each) >= 500] == []


def failing_values(staff, path, values):
    """The values that, in every field of a form of the admin, are a failure of ours."""
    shown = staff.get(f"{path}add/")
    if shown.status_code != 200 or "adminform" not in (shown.context or {}):
        return []
    names = list(shown.context["adminform"].form.fields)
    sent = {each: dict.fromkeys(names, each.encode("utf-8", "replace")) for each in values}
    return [each for each in values if status(staff.post, f"{path}add/", sent[each]) >= 500]


def test_no_form_of_the_admin_fails_for_odd_fields(staff):
    found = {
        path: failing_values(staff, path, FORM_VALUES[place % 4 :: 4])
        for place, path in enumerate(LISTS)
    }
    assert {path: values for path, values in found.items() if values} == {}


@pytest.mark.parametrize(
    ("error", "unusable"),
    [
        (DataError("integer out of range"), True),
        (OverflowError("Python int too large to convert to SQLite INTEGER"), True),
        (ValueError("Field 'id' expected a number but got 'abc'."), True),
        (ValueError("year 0 is out of range"), True),
        (AttributeError("'str' object has no attribute 'days'"), True),
        (NotSupportedError("contains lookup is not supported on this database backend."), True),
        (AttributeError("'str' object has no attribute 'pk'"), False),
        (ValueError("a bug"), False),
        (KeyError("a"), False),
    ],
)
def test_only_values_that_cannot_be_converted_are_the_senders_mistake(error, unusable):
    assert bad_input.is_unusable_value(error) is unusable


def test_a_filter_that_the_admin_gave_up_on_is_a_page_in_words(staff):
    answer = staff.get("/admin/operations/worker/?e=..&nonsense=1")
    assert answer.status_code == 200
    assert "could not be read" in answer.content.decode()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/dashboards/revenue?currency=nope", "currency is an ISO 4217 code such as USD"),
        ("/dashboards/upsell?currency=nope", "currency is an ISO 4217 code such as USD"),
        ("/dashboards/budget?plan=first", "plan is the number of a plan"),
        ("/dashboards/keys?format=pdf", "A page comes as html or csv"),
    ],
)
def test_what_is_wrong_with_an_address_is_said(staff, address, said):
    answer = staff.get(address)
    assert answer.status_code == 400
    assert said in answer.content.decode()


def test_a_null_character_is_refused_before_any_page(client):
    assert client.get("/login?next=%00").status_code == 400
