"""An approved budget leaves the house before it counts as applied."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from marketing.budget import reports, services
from marketing.budget.models import Allocation, BudgetTask
from marketing.budget.planner.request import BudgetRequest, PerformanceRow
from marketing.budget.services import handover
from marketing.channels.models import Performance
from operations.messaging import services as messaging
from operations.messaging.models import Destination, Message
from security.access.models import User
from security.access.roles import APPROVER
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


# --- Tasks ----------------------------------------------------------------------------------------


@pytest.fixture
def ada(db):
    person = User.objects.create_user("ada", is_staff=True)
    person.groups.add(Group.objects.get(name=APPROVER))
    return person


def test_without_a_destination_the_approver_gets_a_task(ada, admin_client):
    found = services.approve(plan().pk, actor="user:bob", now=NOW)
    assert found.decision.status == "applied"
    task = BudgetTask.objects.get()
    assert (task.person, str(task)) == ("user:bob", "The marketing budget in USD is now $1,000.00")
    assert "Radio: $500.00 (nothing before)" in task.text
    assert "bob sets the amounts" in admin_client.get("/dashboards/budget").text
    page = reverse("admin:marketing_budgettask_finish", args=[task.pk])
    assert "set at every channel?" in admin_client.get(page).text
    for _again in range(2):
        assert admin_client.post(page).status_code == 302
    task.refresh_from_db()
    assert (task.done_by, task.done_at is not None) == ("user:admin", True)
    assert "sets the amounts" not in admin_client.get("/dashboards/budget").text
    listed = admin_client.get(reverse("admin:marketing_budgettask_changelist")).text
    assert "bob" in listed
    assert (
        "admin"
        in admin_client.get(reverse("admin:marketing_budgettask_change", args=[task.pk])).text
    )


def test_what_nobody_approved_is_a_task_of_the_first_who_may(ada):
    User.objects.create_user("nobody")
    services.approve(plan().pk, actor="automation:platform", now=NOW)
    assert BudgetTask.objects.get().person == "user:ada"


def test_without_people_the_task_is_the_administrators():
    approved()
    assert BudgetTask.objects.get().person == "user:administrator"


def test_a_later_budget_ends_the_task_and_a_roll_back_makes_one(ada):
    approved()
    again = approved(1001)
    first, second = BudgetTask.objects.order_by("pk")
    assert (first.done_by, second.done_at) == ("a later budget", None)
    services.roll_back(again.pk, actor="ada", now=NOW)
    assert BudgetTask.objects.latest("pk").event == "rolled_back"
    assert "is rolled back to" in BudgetTask.objects.latest("pk").title
    assert BudgetTask.objects.filter(done_at=None).count() == 1


def test_with_a_destination_there_is_no_task():
    destination()
    approved()
    assert not BudgetTask.objects.exists()
