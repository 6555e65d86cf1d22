"""Monthly sums that are assert_bridges_exact at any moment, and the nightly proof of the ledger."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.core.management import call_command
from django.db.models import Sum

from operations.alerts.models import Alert
from operations.automations.registry import RunContext, always
from revenue.customers import services as subscriptions
from revenue.customers.models import Customer, Subscription
from revenue.mrr.bridge import monthly_bridges
from revenue.mrr.models import MrrMovement, MrrRollup, RetentionRollup, RollupWatermark
from revenue.mrr.reports import consistency
from revenue.mrr.reports import retention as retention_reports
from revenue.mrr.reports.bridges import (
    SEGMENT,
    bridges_by_segment,
    customers_with_new_segment,
    valid_watermark,
)
from revenue.mrr.reports.ledger import BOOKED, EFFECTIVE, bridge
from revenue.mrr.retention import NO_CHANGE
from revenue.mrr.services.rollups import check_mrr, roll_up

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
    row = subscriptions.record_subscription(
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
            subscriptions.change(row.pk, amount=Decimal(int(draw.integers(0, 90))), on=on, now=NOW)


def of_segment(name, basis):
    """The segment's bridge from every row, without roll-ups."""
    rows = MrrMovement.objects.alias(of=SEGMENT).filter(of=name).order_by()
    grouped = rows.values_list(basis, "kind").annotate(Sum("amount"), Sum("payers"))
    return monthly_bridges(grouped, FIRST, TODAY)


def assert_bridges_exact():
    """Each segment's bridge is what all rows say, and the segments add up to the whole."""
    for basis in (BOOKED, EFFECTIVE):
        parts = bridges_by_segment("USD", FIRST, TODAY, basis=basis)
        sums = bridge("USD", FIRST, TODAY, basis=basis)
        for place, whole in enumerate(sums):
            assert sum(each[place].closing for each in parts.values()) == whole.closing
        for name, each in parts.items():
            alone = of_segment(name, basis)
            assert [one.closing for one in each] == [one.closing for one in alone]
            assert [one.payers_closing for one in each] == [one.payers_closing for one in alone]


def assert_retention_exact():
    """What is kept is what all rows say, worked out at once."""
    keys = list(Customer.objects.filter(merged_into=None).values_list("pk", flat=True))
    for basis in (BOOKED, EFFECTIVE):
        whole = retention_reports.deltas_of(keys, basis)["USD"]
        found = retention_reports.retention_deltas("USD", basis)
        assert found is not None
        assert {place: each for place, each in found.items() if each != NO_CHANGE} == whole


def test_what_is_kept_is_exact_without_sums_with_them_and_with_rows_after_them(company):
    assert_retention_exact()
    roll_up(now=NOW)
    assert RetentionRollup.objects.exists()
    assert_retention_exact()
    live(company[0], np.random.default_rng(9))
    late = Subscription.objects.filter(ended_on=None).earliest("pk")
    first = late.changes.earliest("on", "pk")
    subscriptions.adjust(late.pk, on=first.on, amount=Decimal(91), now=NOW, note="typed wrong")
    assert_retention_exact()
    roll_up(now=NOW)
    assert_retention_exact()
    assert roll_up(now=NOW) == 0
    assert_retention_exact()


def test_a_month_that_a_new_row_does_not_change_keeps_its_sums():
    made = Customer.objects.create(external_id="one", name="One", currency="USD")
    began = date(2025, 10, 1)
    row = subscriptions.record_subscription(
        made.pk, external_id="s", amount=Decimal(50), currency="USD", started_on=began, now=NOW
    )
    subscriptions.change(row.pk, amount=Decimal(30), on=date(2025, 12, 5), now=NOW)
    roll_up(now=NOW)
    place = {"basis": EFFECTIVE, "months": 1, "month": date(2025, 12, 1)}
    before = RetentionRollup.objects.get(**place)
    subscriptions.change(row.pk, amount=Decimal(60), on=date(2026, 3, 15), now=NOW)
    roll_up(now=NOW)
    assert before.lost == RetentionRollup.objects.get(**place).lost == 20
    assert_retention_exact()


def test_a_merge_has_what_is_kept_summed_anew(company):
    roll_up(now=NOW)
    subscriptions.merge(company[0].pk, company[1].pk, now=NOW)
    assert not RetentionRollup.objects.exists()
    assert_retention_exact()
    roll_up(now=NOW)
    assert RetentionRollup.objects.exists()
    assert_retention_exact()


def test_a_large_ledger_without_sums_says_nothing_yet(company):
    assert retention_reports.retention_deltas("USD", small=3) is None


def test_bridges_are_exact_without_sums_with_them_and_with_rows_after_them(company):
    assert_bridges_exact()
    assert roll_up(now=NOW) == MrrMovement.objects.count()
    assert_bridges_exact()
    live(company[0], np.random.default_rng(9))
    assert RollupWatermark.objects.get().rows < MrrMovement.objects.count()
    assert_bridges_exact()
    assert roll_up(now=NOW) > 0
    assert roll_up(now=NOW) == 0
    assert_bridges_exact()
    assert consistency.wrong_rollups() == []


def test_a_customer_who_changes_segment_takes_the_past_along_at_once(company):
    roll_up(now=NOW)
    Customer.objects.filter(external_id__in=["c0", "c3"]).update(segment="B")
    Customer.objects.filter(external_id="c1").update(segment="New")
    assert_bridges_exact()
    assert "New" in bridges_by_segment("USD", FIRST, TODAY)
    roll_up(now=NOW)
    assert customers_with_new_segment() == []
    assert_bridges_exact()


def test_merged_customers_count_in_the_segment_of_the_one_that_stays(company):
    roll_up(now=NOW)
    subscriptions.merge(company[0].pk, company[1].pk, now=NOW)
    assert_bridges_exact()
    roll_up(now=NOW)
    assert_bridges_exact()
    assert roll_up(now=NOW) == 0  # the merged one is in that segment already
    assert_bridges_exact()
    assert consistency.wrong_rollups() == []


def test_the_sums_answer_in_few_questions(company, django_assert_num_queries):
    roll_up(now=NOW)
    with django_assert_num_queries(5):
        bridges_by_segment("USD", FIRST, TODAY)


def test_rows_that_vanish_below_the_mark_make_the_whole_ledger_be_read(company):
    roll_up(now=NOW)
    MrrMovement.objects.filter(customer=company[2]).delete()
    assert valid_watermark() is None
    assert_bridges_exact()
    roll_up(now=NOW)
    assert valid_watermark() is not None
    assert_bridges_exact()


def run_check(may_continue=always):
    return check_mrr(
        RunContext(
            "revenue.check_mrr", 1, NOW, NOW, "auto", dry_run=False, may_continue=may_continue
        )
    )


def test_a_right_ledger_is_said_to_be_so_every_night(company):
    assert run_check().summary.startswith("The ledger is correct;")
    assert not Alert.objects.exists()


def test_a_movement_that_nobody_booked_raises_a_critical_alert_that_ends_by_itself(company):
    row = Subscription.objects.filter(amount__gt=0)[0]
    lost = MrrMovement.objects.filter(customer=row.customer)[0]
    kept = {f.attname: getattr(lost, f.attname) for f in MrrMovement._meta.concrete_fields}
    lost.delete()
    found = run_check()
    assert "Customers that differ from their subscriptions: 1" in found.summary
    alert = Alert.objects.get()
    assert (alert.severity, alert.state) == ("critical", "open")
    assert f"customer {row.customer_id}: the ledger lacks" in alert.message
    MrrMovement.objects.bulk_create([MrrMovement(**kept)])
    run_check(may_continue=lambda: False)
    assert Alert.objects.get().state == "open"
    run_check()
    assert Alert.objects.get().state == "resolved"


def test_a_subscription_written_past_its_changes_is_found(company):
    row = Subscription.objects.filter(amount__gt=0)[0]
    Subscription.objects.filter(pk=row.pk).update(amount=row.amount + 1)
    count, told = consistency.differing_customers()
    assert count == 1
    assert f"customer {row.customer_id}: a subscription brings" in told[0]


def test_sums_that_were_changed_are_found_and_made_anew(company):
    roll_up(now=NOW)
    row = MrrRollup.objects.order_by("pk")[0]
    MrrRollup.objects.filter(pk=row.pk).update(amount=row.amount + 1)
    assert "the monthly sums were rebuilt" in run_check().summary
    assert consistency.wrong_rollups() == []
    assert str(row).startswith(row.kind)
    assert str(RollupWatermark.objects.get()).endswith(
        f"number {RollupWatermark.objects.get().upto}"
    )


def test_the_command_makes_them_anew_and_names_what_is_wrong(company, capsys):
    call_command("check_mrr", "--rebuild")
    assert "The monthly sums hold" in capsys.readouterr().out
    MrrRollup.objects.filter(pk=MrrRollup.objects.order_by("pk")[0].pk).delete()
    with pytest.raises(SystemExit):
        call_command("check_mrr")
    assert "A monthly sum is wrong:" in capsys.readouterr().err
