"""Monthly sums that are exact at any moment, and the nightly proof of the ledger."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.core.management import call_command

from operations.alerts.models import Alert
from operations.automations.registry import RunContext
from revenue.customers import reports as customers
from revenue.customers import services as changing
from revenue.customers.models import Customer, Movement, Subscription
from revenue.mrr import reports, services
from revenue.mrr.models import KeptSum, Mark, MonthlySum
from revenue.mrr.retention import NONE

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 20, 9, tzinfo=UTC)
FIRST, TODAY = date(2025, 10, 1), date(2026, 3, 20)


@pytest.fixture
def company():
    """Nine customers of three segments with what they did in half a year."""
    draw = np.random.default_rng(3)
    made = Customer.objects.bulk_create(
        Customer(external_id=f"c{n}", name=f"c{n}", segment="ABC"[n % 3], currency="USD")
        for n in range(9)
    )
    for each in made:
        live(each, draw)
    return made


def live(customer, draw):
    on = FIRST + timedelta(days=int(draw.integers(0, 60)))
    row = changing.record_subscription(
        customer.pk,
        external_id=f"s{Subscription.objects.count()}",
        amount=Decimal(int(draw.integers(1, 90))),
        currency="USD",
        started_on=on,
        now=NOW,
    )
    for _ in range(int(draw.integers(0, 3))):
        on += timedelta(days=int(draw.integers(1, 40)))
        if on <= TODAY:
            changing.change(row.pk, amount=Decimal(int(draw.integers(0, 90))), on=on, now=NOW)


def exact():
    """Each segment's bridge is what all rows say, and the segments add up to the whole."""
    for basis in (customers.BOOKED, customers.EFFECTIVE):
        parts = reports.bridges_by_segment("USD", FIRST, TODAY, basis=basis)
        sums = customers.bridge("USD", FIRST, TODAY, basis=basis)
        for place, whole in enumerate(sums):
            assert sum(each[place].closing for each in parts.values()) == whole.closing
        for name, each in parts.items():
            alone = customers.bridge("USD", FIRST, TODAY, segment=name, basis=basis)
            assert [one.closing for one in each] == [one.closing for one in alone]
            assert [one.payers_closing for one in each] == [one.payers_closing for one in alone]


def kept_exactly():
    """What is kept is what all rows say, worked out at once."""
    keys = list(Customer.objects.filter(merged_into=None).values_list("pk", flat=True))
    for basis in (customers.BOOKED, customers.EFFECTIVE):
        whole = reports.kept_of(keys, basis)["USD"]
        found = reports.kept("USD", basis)
        assert found is not None
        assert {place: each for place, each in found.items() if each != NONE} == whole


def test_what_is_kept_is_exact_without_sums_with_them_and_with_rows_after_them(company):
    kept_exactly()
    services.roll_up(now=NOW)
    assert KeptSum.objects.exists()
    kept_exactly()
    live(company[0], np.random.default_rng(9))
    late = Subscription.objects.filter(ended_on=None).earliest("pk")
    first = late.changes.earliest("on", "pk")
    changing.adjust(late.pk, on=first.on, amount=Decimal(91), now=NOW, note="typed wrong")
    kept_exactly()
    services.roll_up(now=NOW)
    kept_exactly()
    assert services.roll_up(now=NOW) == 0
    kept_exactly()


def test_a_month_that_a_new_row_does_not_change_keeps_its_sums():
    made = Customer.objects.create(external_id="one", name="One", currency="USD")
    began = date(2025, 10, 1)
    row = changing.record_subscription(
        made.pk, external_id="s", amount=Decimal(50), currency="USD", started_on=began, now=NOW
    )
    changing.change(row.pk, amount=Decimal(30), on=date(2025, 12, 5), now=NOW)
    services.roll_up(now=NOW)
    place = {"basis": customers.EFFECTIVE, "months": 1, "month": date(2025, 12, 1)}
    before = KeptSum.objects.get(**place)
    changing.change(row.pk, amount=Decimal(60), on=date(2026, 3, 15), now=NOW)
    services.roll_up(now=NOW)
    assert before.lost == KeptSum.objects.get(**place).lost == 20
    kept_exactly()


def test_a_merge_has_what_is_kept_summed_anew(company):
    services.roll_up(now=NOW)
    changing.merge(company[0].pk, company[1].pk, now=NOW)
    assert not KeptSum.objects.exists()
    kept_exactly()
    services.roll_up(now=NOW)
    assert KeptSum.objects.exists()
    kept_exactly()


def test_a_large_ledger_without_sums_says_nothing_yet(company):
    assert reports.kept("USD", small=3) is None


def test_bridges_are_exact_without_sums_with_them_and_with_rows_after_them(company):
    exact()
    assert services.roll_up(now=NOW) == Movement.objects.count()
    exact()
    live(company[0], np.random.default_rng(9))
    assert Mark.objects.get().rows < Movement.objects.count()
    exact()
    assert services.roll_up(now=NOW) > 0
    assert services.roll_up(now=NOW) == 0
    exact()
    assert reports.sums_differ() == []


def test_a_customer_who_changes_segment_takes_the_past_along_at_once(company):
    services.roll_up(now=NOW)
    Customer.objects.filter(external_id__in=["c0", "c3"]).update(segment="B")
    Customer.objects.filter(external_id="c1").update(segment="New")
    exact()
    assert "New" in reports.bridges_by_segment("USD", FIRST, TODAY)
    services.roll_up(now=NOW)
    assert reports.moved_customers() == []
    exact()


def test_merged_customers_count_in_the_segment_of_the_one_that_stays(company):
    services.roll_up(now=NOW)
    changing.merge(company[0].pk, company[1].pk, now=NOW)
    exact()
    services.roll_up(now=NOW)
    exact()
    assert services.roll_up(now=NOW) == 0  # the merged one is in that segment already
    exact()
    assert reports.sums_differ() == []


def test_the_sums_answer_in_few_questions(company, django_assert_num_queries):
    services.roll_up(now=NOW)
    with django_assert_num_queries(7):
        reports.bridges_by_segment("USD", FIRST, TODAY)


def test_rows_that_vanish_below_the_mark_make_the_whole_ledger_be_read(company):
    services.roll_up(now=NOW)
    Movement.objects.filter(customer=company[2]).delete()
    assert reports.holding_mark() is None
    exact()
    services.roll_up(now=NOW)
    assert reports.holding_mark() is not None
    exact()


def perform():
    return services.perform(RunContext("revenue.check_ledger", 1, NOW, NOW, "auto", dry_run=False))


def test_a_right_ledger_is_said_to_be_so_every_night(company):
    assert perform().summary.startswith("The ledger is right;")
    assert not Alert.objects.exists()


def test_a_movement_that_nobody_booked_raises_a_critical_alert_that_ends_by_itself(company):
    row = Subscription.objects.filter(amount__gt=0)[0]
    lost = Movement.objects.filter(customer=row.customer)[0]
    kept = {f.attname: getattr(lost, f.attname) for f in Movement._meta.concrete_fields}
    lost.delete()
    found = perform()
    assert "1 customers differ from their subscriptions" in found.summary
    alert = Alert.objects.get()
    assert (alert.severity, alert.state) == ("critical", "open")
    assert f"customer {row.customer_id}: the ledger lacks" in alert.message
    Movement.objects.bulk_create([Movement(**kept)])
    perform()
    assert Alert.objects.get().state == "resolved"


def test_a_subscription_written_past_its_changes_is_found(company):
    row = Subscription.objects.filter(amount__gt=0)[0]
    Subscription.objects.filter(pk=row.pk).update(amount=row.amount + 1)
    count, told = reports.differing()
    assert count == 1
    assert f"customer {row.customer_id}: a subscription brings" in told[0]


def test_sums_that_were_changed_are_found_and_made_anew(company):
    services.roll_up(now=NOW)
    row = MonthlySum.objects.order_by("pk")[0]
    MonthlySum.objects.filter(pk=row.pk).update(amount=row.amount + 1)
    assert "the monthly sums were made anew" in perform().summary
    assert reports.sums_differ() == []
    assert str(row).startswith(row.kind)
    assert str(Mark.objects.get()).endswith(f"number {Mark.objects.get().upto}")


def test_the_command_makes_them_anew_and_names_what_is_wrong(company, capsys):
    call_command("check_ledger", "--rebuild")
    assert "The monthly sums hold" in capsys.readouterr().out
    MonthlySum.objects.filter(pk=MonthlySum.objects.order_by("pk")[0].pk).delete()
    with pytest.raises(SystemExit):
        call_command("check_ledger")
    assert "The monthly sums are wrong:" in capsys.readouterr().err
