"""What users of other products reported about metering, tried on ours."""

from datetime import timedelta
from decimal import Decimal

import pytest

from enterprise.usage.metering.event_input import ItemStatus
from enterprise.usage.models import UsageAlert, UsageEvent
from enterprise.usage.reports import client_report
from enterprise.usage.reports.levels import summary
from enterprise.usage.services import thresholds
from tests.enterprise.usage.conftest import CALLS, HOUR, NOW, event, limit, track

pytestmark = pytest.mark.django_db


def test_stored_ids_of_a_batch_are_duplicates_and_no_error(client_row, calls):
    """Lago 3049: 422 for a batch that was sent again. Lago 4725, flexprice 2763: counted twice."""
    batch = [event("a"), event("b", 6)]
    track(*batch)
    again = track(*batch, event("c", 7))
    assert [again.count(each) for each in (ItemStatus.DUPLICATE, ItemStatus.ACCEPTED)] == [2, 1]
    assert client_report("acme", 30, NOW)["usage_summary"][CALLS]["total"] == 18


def test_use_under_a_new_id_is_counted_and_can_be_found(client_row, calls):
    """Lago agent toolkit 65: a retry with a new id is another event, and nobody sees it.

    Vexa 330: four events of one session within three seconds.
    """
    for number in range(4):
        track(event(f"try-{number}", 3), now=NOW + timedelta(seconds=number))
    flagged = UsageEvent.objects.filter(possible_duplicate=True)
    assert sorted(flagged.values_list("event_id", flat=True)) == ["try-1", "try-2", "try-3"]


def test_accepted_use_stands_in_the_report_at_once(client_row):
    """Lago 637 and 538: answered with 200, listed, and never counted."""
    track(event("a", 4, metric="lookups"))
    found = client_report("acme", 30, NOW)["usage_summary"]["lookups"]
    assert (found["total"], found["limit"]) == (4, None)


def test_two_values_at_the_same_moment_are_two(client_row, users):
    """Lago 280: two unique counts of one time, and the customer's usage was an error."""
    both = [event(f"e{name}", 1, metric=users.code, value=name) for name in "xy"]
    track(*both)
    assert client_report("acme", 30, NOW)["usage_summary"][users.code]["total"] == 2


def test_use_of_the_first_seconds_of_a_period_alerts_in_it(client_row, calls):
    """Lago 6132: compared with the large figure before it, the first crossing was swallowed."""
    limit(client_row, calls, 10, NOW - 40 * 24 * HOUR)
    track(event("a", 9))
    assert [each.percent for each in thresholds.evaluate(client_row.pk, NOW)] == [80]
    april = NOW.replace(month=4, day=1, hour=1)
    track(event("b", 8, april), now=april)
    assert [each.percent for each in thresholds.evaluate(client_row.pk, april)] == [80]
    assert UsageAlert.objects.count() == 2


def test_the_answer_warns_from_the_same_percent_as_the_message(client_row, calls):
    """PostHog 69878: a mail at 80 %, and a banner only from 85 % on."""
    limit(client_row, calls, 1000)
    track(event("a", 800))
    shown = summary("acme", client_row.pk, NOW, NOW).as_dict()["alerts"]
    raised = thresholds.evaluate(client_row.pk, NOW)
    assert [Decimal(str(each["usage_percent"])) for each in shown] == [80]
    assert [each.percent for each in raised] == [80]
    assert raised[0].severity == shown[0]["severity"]


def test_days_before_the_first_event_are_no_days_without_use(client_row, calls):
    """OpenMeter 2373: windows from before the entitlement began were returned as 0."""
    track(event("other", client="other", at=NOW - 20 * 24 * HOUR))
    track(*(event(f"e{day}", 10, NOW - day * 24 * HOUR) for day in range(1, 4)))
    found = client_report("acme", 30, NOW)["usage_summary"][CALLS]
    assert (found["daily_average"], found["growth_percent"]) == (10, None)
