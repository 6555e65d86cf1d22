"""An approved budget leaves the house before it counts as applied."""

from datetime import timedelta
from decimal import Decimal

import pytest

from marketing.budget import reports, services
from marketing.budget.models import Allocation
from marketing.budget.planner.request import BudgetRequest, PerformanceRow
from marketing.budget.services import handover
from marketing.channels.models import Performance
from operations.messaging import services as messaging
from operations.messaging.models import Destination, Message
from tests.marketing.conftest import NOW

pytestmark = pytest.mark.django_db


def plan(total=1000, **more):
    rows = tuple(
        PerformanceRow(name, 500.0, 900.0, NOW.date() - timedelta(weeks=n))
        for name in ("Search", "Radio")
        for n in (1, 2)
    )
    asked = BudgetRequest(Decimal(total), rows, **more)
    return services.optimize(asked, source="api", mode="propose", now=NOW)


def destination(name="ann", **values):
    given = {"channel": "email", "address": f"{name}@example.com", "takes_budget_plans": True}
    return Destination.objects.create(name=name, **{**given, **values})


def approved(*arguments, **more):
    return services.approve(plan(*arguments, **more).pk, actor="ada", now=NOW)


def deliver(*, fails=False):
    def send(_message, _now):
        if fails:
            raise messaging.DeliveryFailed("refused", final=True)

    return messaging.deliver_due(clock=lambda: NOW, send=send, random=lambda: 0.0)


def test_a_plan_is_applied_once_its_amounts_left_and_says_old_and_new():
    destination()
    destination("deaf", takes_budget_plans=False)
    found = approved()
    assert found.decision.status == "approved"
    assert reports.amounts_in_force("USD") == {"Radio": 500, "Search": 500}
    message = Message.objects.get()
    assert message.title == "[AetherCrown] The marketing budget in USD is now $1,000.00"
    assert "Radio: $500.00 (nothing before)" in message.text
    assert message.payload["event"] == "budget_plan.applied"
    assert message.payload["days"] == 7
    assert message.payload["channels"][0] == {"channel": "Radio", "old": None, "new": "500.00"}

    assert deliver() == 1
    found.decision.refresh_from_db()
    assert found.decision.status == "applied"
    again = approved(1001)
    assert Message.objects.latest("pk").payload["channels"][0]["old"] == "500.00"
    deliver()
    services.roll_back(again.pk, actor="ada", now=NOW)
    back = Message.objects.latest("pk").payload
    assert back["event"] == "budget_plan.rolled_back"
    assert back["channels"][0]["new"] == "500.00"
    deliver()
    again.decision.refresh_from_db()
    assert again.decision.status == "rolled_back"


def test_what_could_not_be_delivered_is_not_applied_until_it_is_sent_again():
    destination()
    found = approved()
    deliver(fails=True)
    found.decision.refresh_from_db()
    assert found.decision.status == "approved"
    assert handover.finish(NOW) == 0
    message = messaging.send_again(Message.objects.get().pk, NOW)
    deliver()
    found.decision.refresh_from_db()
    assert (found.decision.status, message.tries) == ("applied", 0)


def test_a_record_that_was_lost_is_made_up_by_the_next_run():
    destination()
    found = approved()
    Message.objects.update(state="sent")
    assert handover.finish(NOW) == 1
    found.decision.refresh_from_db()
    assert found.decision.status == "applied"
    handover.record_sent(f"{handover.KEY}{found.decision_id}:applied:email:1")
    assert handover.finish(NOW) == 0


def test_a_listener_that_fails_does_not_undo_the_sending():
    destination()
    approved()
    Message.objects.update(event_key=f"{handover.KEY}no-number:applied:email:1")
    assert deliver() == 1
    assert Message.objects.get().state == "sent"


def test_without_a_destination_a_plan_is_applied_at_once():
    assert approved().decision.status == "applied"
    assert not Message.objects.exists()


def test_what_was_spent_since_is_compared_with_what_is_in_force():
    def followed():
        return reports.followed(reports.in_force("USD"), "USD", NOW.date() - timedelta(days=1))

    assert followed() == ((), 0)
    approved()
    Allocation.objects.update(valid_from=NOW - timedelta(days=20))
    assert followed() == ((), 0)
    channel = Allocation.objects.get(channel__name="Search").channel
    monday = NOW.date() - timedelta(days=NOW.weekday())
    for weeks_ago, spend in ((4, 700), (3, 700), (2, 500), (1, 480)):
        Performance.objects.create(
            channel=channel, date=monday - timedelta(weeks=weeks_ago), spend=spend, currency="USD"
        )
    rows, weeks = followed()
    assert weeks == 2
    assert [(each.channel, each.planned, each.spent) for each in rows] == [
        ("Radio", Decimal(500), None),
        ("Search", Decimal(500), Decimal(490)),
    ]
    Performance.objects.filter(date__gte=monday - timedelta(weeks=2)).delete()
    assert followed() == ((), 0)
