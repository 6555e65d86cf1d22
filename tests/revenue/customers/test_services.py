"""What customers pay, through the services: late facts adjust, nothing is lost."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revenue.customers import reports, services
from revenue.customers.models import (
    Customer,
    ImmutableRow,
    Payment,
    Subscription,
    SubscriptionChange,
)
from revenue.customers.plan_change import PlanChange
from revenue.customers.plan_terms import MAX_AMOUNT, expanded
from revenue.customers.services import InvalidEntry
from revenue.mrr import reports as ledger
from revenue.mrr.models import MrrMovement
from revenue.mrr.movements import MovementKind, derive
from revenue.mrr.reports.consistency import differing_customers
from revenue.mrr.services.booking import book
from revenue.pricing.seeding import seed_default_book
from security.access.models import User
from tests.revenue.customers.conftest import NOW, TODAY, mrr

MARCH_1 = date(2026, 3, 1)

pytestmark = pytest.mark.django_db


def ledger_rows(customer):
    rows = MrrMovement.objects.filter(customer=customer).order_by("pk")
    return [(each.on, each.effective_on, each.kind, each.amount) for each in rows]


def fields_of(refused):
    return refused.value.field


def test_a_life_is_booked_day_by_day(customer, subscribe):
    one = subscribe(date(2026, 3, 2), "100", plan="starter")
    services.change(one.pk, amount=Decimal(150), on=date(2026, 3, 5), plan="pro", now=NOW)
    services.change(one.pk, amount=Decimal(120), on=date(2026, 3, 9), now=NOW)
    services.end(one.pk, on=date(2026, 3, 12), now=NOW)
    subscribe(date(2026, 3, 15), "80")
    assert [(on.day, kind, amount) for on, _, kind, amount in ledger_rows(customer)] == [
        (2, "new", 100),
        (5, "expansion", 50),
        (9, "contraction", 30),
        (12, "churn", 120),
        (15, "reactivation", 80),
    ]
    one.refresh_from_db()
    assert (one.plan, one.amount, one.ended_on) == ("pro", 0, date(2026, 3, 12))
    assert mrr("USD", TODAY) == 80
    assert differing_customers() == (0, [])


def test_a_yearly_price_is_kept_a_month(subscribe):
    assert subscribe(MARCH_1, "100", every="year").amount == Decimal("8.333333")
    assert MrrMovement.objects.get().amount == Decimal("8.333333")


def test_a_late_fact_counts_today_and_says_when_it_was(customer, subscribe):
    one = subscribe(MARCH_1, "100")
    late = datetime(2026, 5, 7, tzinfo=UTC)
    services.change(one.pk, amount=Decimal(130), on=date(2026, 4, 10), now=late)
    assert ledger_rows(customer)[-1] == (date(2026, 5, 7), date(2026, 4, 10), "expansion", 30)
    closed = ledger.bridge("USD", date(2026, 4, 1), date(2026, 4, 30))
    effective = ledger.bridge("USD", date(2026, 4, 1), date(2026, 4, 30), basis=ledger.EFFECTIVE)
    assert closed[0].closing == 100
    assert effective[0].closing == 130


def test_an_adjustment_is_a_row_beside_the_wrong_one(customer, subscribe):
    one = subscribe(MARCH_1, "100")
    before = list(MrrMovement.objects.values())
    services.adjust(one.pk, on=MARCH_1, amount=Decimal(90), now=NOW, note="a typing error")
    assert list(MrrMovement.objects.order_by("pk").values()[:1]) == before
    last = MrrMovement.objects.order_by("pk").last()
    assert last is not None
    assert (last.kind, last.is_adjustment, last.cause) == ("new", True, "adjusted")
    assert last.amount == -10
    assert mrr("USD", TODAY) == 90
    one.refresh_from_db()
    assert one.amount == 90


def test_an_end_can_be_taken_back_and_an_ended_day_made_zero(customer, subscribe):
    one = subscribe(MARCH_1, "100")
    services.end(one.pk, on=date(2026, 3, 4), now=NOW)
    services.adjust(one.pk, on=date(2026, 3, 4), amount=Decimal(0), now=NOW, note="still ended")
    one.refresh_from_db()
    assert one.ended_on == date(2026, 3, 4)
    services.adjust(one.pk, on=date(2026, 3, 4), amount=Decimal(100), now=NOW, note="not left")
    one.refresh_from_db()
    assert (one.ended_on, one.amount) == (None, 100)
    assert ledger.bridge("USD", MARCH_1, MARCH_1)[0].amount(MovementKind.CHURN) == 0
    assert differing_customers() == (0, [])


def test_an_end_on_the_first_day_leaves_nothing(customer, subscribe):
    one = subscribe(MARCH_1, "100")
    services.end(one.pk, on=MARCH_1, now=NOW)
    bridge = ledger.bridge("USD", MARCH_1, MARCH_1)[0]
    assert not any((bridge.amount(MovementKind.NEW), bridge.closing, bridge.payers_closing))


def test_booking_again_books_nothing(customer, subscribe):
    subscribe(MARCH_1, "100")
    assert book([customer.pk], now=NOW, cause="recorded") == []


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"currency": "ZZZ"}, "currency"),
        ({"currency": "EUR"}, "currency"),
        ({"started_on": TODAY + timedelta(days=1099)}, "started_on"),
        ({"every": "decade"}, "every"),
        ({"external_id": ""}, "external_id"),
        ({"external_id": "acme-1"}, "external_id"),
        ({"amount": Decimal(-1)}, "amount"),
        ({"amount": Decimal("NaN")}, "amount"),
        ({"amount": Decimal("Infinity")}, "amount"),
        ({"amount": MAX_AMOUNT + 1}, "amount"),
    ],
)
def test_a_wrong_subscription_is_refused_by_field_and_nothing_is_stored(
    customer, subscribe, wrong, field
):
    subscribe(MARCH_1, "1")
    right = {
        "external_id": "acme-2",
        "amount": Decimal(5),
        "currency": "USD",
        "started_on": MARCH_1,
        "now": NOW,
    }
    with pytest.raises(InvalidEntry) as refused:
        services.record_subscription(customer.pk, **{**right, **wrong})
    assert fields_of(refused) == field
    assert str(refused.value).startswith(f"{field}: ")
    assert (Subscription.objects.count(), SubscriptionChange.objects.count()) == (1, 1)
    assert MrrMovement.objects.count() == 1


def test_changes_that_cannot_be_are_refused(subscribe):
    one = subscribe(date(2026, 3, 5), "10")
    ten = Decimal(10)
    with pytest.raises(InvalidEntry, match="ended_on: 2026-03-04 is before the start, 2026-03-05"):
        services.end(one.pk, on=date(2026, 3, 4), now=NOW)
    with pytest.raises(InvalidEntry, match="on: 2026-03-04 is before the start"):
        services.change(one.pk, amount=ten, on=date(2026, 3, 4), now=NOW)
    with pytest.raises(InvalidEntry, match="on: 2026-03-21 is after today, 2026-03-20"):
        services.change(one.pk, amount=ten, on=date(2026, 3, 21), now=NOW)
    with pytest.raises(InvalidEntry, match="on: Nothing was recorded for 2026-03-06"):
        services.adjust(one.pk, on=date(2026, 3, 6), amount=ten, now=NOW, note="x")
    with pytest.raises(InvalidEntry, match="note: An adjustment needs its reason"):
        services.adjust(one.pk, on=date(2026, 3, 5), amount=ten, now=NOW, note="")
    services.change(one.pk, amount=Decimal(12), on=date(2026, 3, 10), now=NOW)
    with pytest.raises(InvalidEntry, match="before the last change, on 2026-03-10"):
        services.end(one.pk, on=date(2026, 3, 8), now=NOW)
    services.end(one.pk, on=date(2026, 3, 11), now=NOW)
    with pytest.raises(InvalidEntry, match="ended on 2026-03-11"):
        services.change(one.pk, amount=ten, on=date(2026, 3, 12), now=NOW)


def test_the_ledger_cannot_be_rewritten(customer, subscribe):
    subscribe(MARCH_1, "100")
    row = MrrMovement.objects.get()
    row.amount = Decimal(1)
    with pytest.raises(ImmutableRow):
        row.save()
    with pytest.raises(IntegrityError), transaction.atomic():
        MrrMovement.objects.update(amount=Decimal(1))
    row.refresh_from_db()
    assert row.amount == 100
    fresh = MrrMovement(
        customer=customer,
        currency="USD",
        on=TODAY,
        effective_on=TODAY,
        kind="new",
        amount=Decimal(0),
        payers=0,
        before=Decimal(0),
        after=Decimal(0),
        cause="recorded",
        booked_at=NOW,
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        fresh.save()


def test_merged_records_did_what_one_customer_did(customer, subscribe):
    other = Customer.objects.create(external_id="acme2", name="Acme again", currency="USD")
    third = Customer.objects.create(external_id="acme3", name="Acme, third", currency="USD")
    subscribe(date(2026, 2, 1), "10", now=datetime(2026, 2, 2, tzinfo=UTC))
    subscribe(date(2026, 3, 3), "20", of=other)
    services.merge(other.pk, third.pk, now=NOW)
    before = list(MrrMovement.objects.order_by("pk").values())
    services.merge(customer.pk, other.pk, now=NOW)

    assert list(MrrMovement.objects.order_by("pk").values()[:2]) == before
    assert set(customer.duplicates.all()) == {other, third}
    assert customer.subscriptions.count() == 2
    march = ledger.bridge("USD", MARCH_1, TODAY)[0]
    assert (int(march.opening), int(march.closing)) == (10, 30)
    assert (int(march.amount(MovementKind.NEW)), int(march.amount(MovementKind.EXPANSION))) == (
        0,
        20,
    )
    assert march.payers_closing == 1
    assert differing_customers() == (0, [])
    with pytest.raises(InvalidEntry, match="was merged into customer number"):
        subscribe(MARCH_1, "1", of=other)


def test_two_that_began_on_one_day_are_one_payer(customer, subscribe):
    other = Customer.objects.create(external_id="acme2", name="Acme again", currency="USD")
    subscribe(MARCH_1, "10")
    subscribe(MARCH_1, "20", of=other)
    services.merge(customer.pk, other.pk, now=NOW)
    bridge = ledger.bridge("USD", MARCH_1, TODAY)[0]
    assert (int(bridge.closing), bridge.payers_closing) == (30, 1)


def test_records_that_cannot_be_one_are_not_merged(customer):
    other = Customer.objects.create(external_id="x", name="X", currency="EUR")
    with pytest.raises(InvalidEntry, match="itself"):
        services.merge(customer.pk, customer.pk, now=NOW)
    with pytest.raises(InvalidEntry, match="Acme pays in USD, X in EUR"):
        services.merge(customer.pk, other.pk, now=NOW)


def test_erasing_leaves_the_sums_and_no_name(customer, subscribe):
    other = Customer.objects.create(external_id="acme2", name="Acme again", currency="USD")
    services.merge(customer.pk, other.pk, now=NOW)
    one = subscribe(MARCH_1, "10", note="Anna asked for it")
    paid = {"external_id": "inv-1", "amount": Decimal(10), "currency": "USD", "paid_on": MARCH_1}
    Payment.objects.create(customer=customer, **paid)
    person = User.objects.create_user("ada")
    LogEntry.objects.create(
        user=person,
        content_type=ContentType.objects.get_for_model(Customer),
        object_id=str(customer.pk),
        object_repr="Acme",
        action_flag=2,
    )
    before = ledger.bridge("USD", MARCH_1, TODAY)
    services.erase(customer.pk, now=NOW)

    assert ledger.bridge("USD", MARCH_1, TODAY) == before
    kept = str(reports.personal_data(customer.pk)) + str(list(LogEntry.objects.values()))
    for word in ("acme", "Acme", "Ada", "Anna", "inv-1"):
        assert word not in kept
    one.refresh_from_db()
    assert one.external_id == f"erased-{one.pk}"
    with pytest.raises(InvalidEntry, match="was erased on 20 Mar 2026"):
        services.erase(customer.pk, now=NOW)


def test_everything_kept_of_a_customer_is_handed_out(customer, subscribe):
    subscribe(MARCH_1, "10")
    data = reports.personal_data(customer.pk)
    kept = {
        "customer": 1,
        "subscriptions": 1,
        "changes": 1,
        "payments": 0,
        "earlier": 1,
        "contacts": 0,
        "mails": 0,
        "movements": 1,
        "daily_use": 0,
        "invoices": 0,
        "adjustments": 0,
        "credit_notes": 0,
        "unbilled_use_choices": 0,
        "credit_entries": 0,
        "billing_details": 0,
        "documents": 0,
        "opportunities": 0,
    }
    assert {name: len(rows) for name, rows in data.items() if name in kept} == kept


@pytest.mark.django_db(transaction=True)
def test_changes_at_the_same_moment_leave_a_true_ledger(customer, subscribe, at_once):
    one, two = subscribe(MARCH_1, "10"), subscribe(MARCH_1, "10")
    turns = iter([(one, 11), (two, 12), (one, 13), (two, 14)] * 2)

    def act():
        which, amount = next(turns)
        return services.change(which.pk, amount=Decimal(amount), on=TODAY, now=NOW)

    assert not [each for each in at_once(act, 8) if isinstance(each, Exception)]
    assert differing_customers() == (0, [])
    assert MrrMovement.objects.filter(kind="new").count() == 2
    assert connection.vendor in {"sqlite", "postgresql"}


acts = st.lists(
    st.tuples(
        st.sampled_from(["subscribe", "change", "end", "adjust"]),
        st.integers(1, 19),
        st.integers(0, 50),
    ),
    max_size=12,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(acts)
def test_any_sequence_of_services_leaves_what_a_recomputation_says(customer, subscribe, sequence):
    before = set(Subscription.objects.values_list("pk", flat=True))
    with transaction.atomic():
        for act, day, amount in sequence:
            _try(act, date(2026, 3, day), Decimal(amount), subscribe, before)
        changes = SubscriptionChange.objects.order_by("on", "pk")
        steps = [PlanChange(each.on, str(each.subscription_id), each.amount) for each in changes]
        wanted = {(each.on, each.kind): each.amount for each in derive(steps)}
        found: dict[tuple[date, str], Decimal] = {}
        for row in MrrMovement.objects.all():
            place = (row.effective_on, row.kind)
            found[place] = found.get(place, Decimal(0)) + row.amount
        assert {place: sums for place, sums in found.items() if sums} == wanted
        assert differing_customers() == (0, [])
        transaction.set_rollback(True)


def _try(act, on, amount, subscribe, before):
    rows = Subscription.objects.exclude(pk__in=before).order_by("pk")
    if act == "subscribe" or not rows:
        subscribe(on, str(amount))
        return
    one = rows[int(amount) % len(rows)]
    calls = {
        "change": lambda: services.change(one.pk, amount=amount, on=on, now=NOW),
        "end": lambda: services.end(one.pk, on=on, now=NOW),
        "adjust": lambda: services.adjust(one.pk, on=on, amount=amount, now=NOW, note="wrong"),
    }
    try:
        calls[act]()
    except InvalidEntry:
        return


# --- Terms --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"quantity": 0}, "quantity"),
        ({"coupon_percent": Decimal(101)}, "coupon_percent"),
        ({"coupon_percent": Decimal(5), "coupon_until": MARCH_1}, "coupon_until"),
        ({"coupon_amount": Decimal(-1)}, "coupon_amount"),
        ({"coupon_amount": Decimal(5), "coupon_percent": Decimal(5)}, "coupon_amount"),
        ({"coupon_amount": Decimal(5), "coupon_until": MARCH_1}, "coupon_until"),
        ({"amount": Decimal(10**9), "quantity": 1001}, "amount"),
        ({"basis": "override", "note": "x"}, "price_until"),
        ({"basis": "override", "price_until": TODAY}, "note"),
        ({"basis": "override", "note": "x", "price_until": MARCH_1}, "price_until"),
        ({"state": "trial", "trial_until": MARCH_1}, "trial_until"),
        ({"basis": "list"}, "amount"),
        ({"amount": None, "basis": "override"}, "amount"),
        ({"every": "fortnight"}, "every"),
    ],
)
def test_terms_that_cannot_be_are_refused_by_field(subscribe, wrong, field):
    one = subscribe(MARCH_1, "10", plan="no such plan")
    with pytest.raises(InvalidEntry) as refused:
        services.change(one.pk, on=MARCH_1, now=NOW, **{"amount": Decimal(5), **wrong})
    assert fields_of(refused) == field
    assert one.changes.count() == 1


def test_what_a_change_does_not_name_stays(subscribe):
    one = subscribe(
        MARCH_1, "120", every="year", quantity=3, coupon="SPRING", coupon_percent=Decimal(50)
    )
    after = services.change(one.pk, on=date(2026, 3, 5), now=NOW, quantity=4)
    assert (after.price, after.interval, after.quantity, after.amount) == (120, "year", 4, 20)
    monthly = services.change(one.pk, on=date(2026, 3, 9), now=NOW, amount=Decimal(20))
    assert (monthly.price, monthly.amount) == (240, 40)
    assert one.changes.latest("on").coupon == "SPRING"


def test_a_coupon_of_an_amount_stays_as_much_a_month_and_gives_way_to_a_percentage(subscribe):
    one = subscribe(MARCH_1, "100", coupon="SPRING", coupon_amount=Decimal(10))
    yearly = services.change(
        one.pk, on=date(2026, 3, 5), now=NOW, every="year", amount=Decimal(1200)
    )
    assert (yearly.amount, one.changes.latest("on").coupon_amount) == (90, 120)
    half = services.change(one.pk, on=date(2026, 3, 6), now=NOW, coupon_percent=Decimal(50))
    assert (half.amount, one.changes.latest("on").coupon_amount) == (50, 0)
    again = services.change(one.pk, on=date(2026, 3, 7), now=NOW, coupon_amount=Decimal(60))
    assert (again.amount, one.changes.latest("on").coupon_percent) == (95, 0)
    saved = services.saved_terms(one, date(2026, 3, 6))
    services.restore(one.pk, saved, on=date(2026, 3, 8), now=NOW, note="undone")
    one.refresh_from_db()
    assert one.amount == 50
    assert one.changes.latest("on").coupon_words == "SPRING, 50%"


def test_an_override_of_an_override_ends_in_what_was_before_both(subscribe):
    one = subscribe(MARCH_1, "50")
    until = date(2026, 4, 1)
    given: Any = {"now": NOW, "basis": "override", "note": "a complaint", "price_until": until}
    services.change(one.pk, on=date(2026, 3, 5), amount=Decimal(10), **given)
    services.change(one.pk, on=date(2026, 3, 7), amount=Decimal(20), **given)
    one.refresh_from_db()
    assert (one.amount, one.next_step_on) == (20, date(2026, 4, 1))
    later = datetime(2026, 4, 2, tzinfo=UTC)
    assert services.take_due_steps(one.customer_id, now=later) == 1
    assert services.take_due_steps(one.customer_id, now=later) == 0
    one.refresh_from_db()
    assert (one.amount, one.basis, one.next_step_on) == (50, "negotiated", None)


def test_an_override_from_the_first_day_ends_in_the_list_price(subscribe):
    seed_default_book(apps)
    until = date(2026, 4, 1)
    given: Any = {"basis": "override", "note": "a pilot", "price_until": until}
    one = subscribe(MARCH_1, "10", plan="starter", **given)
    assert one.amount == 10
    services.take_due_steps(one.customer_id, now=datetime(2026, 4, 2, tzinfo=UTC))
    one.refresh_from_db()
    assert (one.amount, one.basis) == (29, "list")


def test_a_pause_and_an_adjusted_state_are_recorded(subscribe):
    one = subscribe(MARCH_1, "50")
    services.change(one.pk, on=date(2026, 3, 5), now=NOW, state="paused")
    one.refresh_from_db()
    assert (one.state, one.amount, one.price) == ("paused", 0, 50)
    services.adjust(
        one.pk, on=date(2026, 3, 5), amount=None, now=NOW, note="it ended", state="ended"
    )
    one.refresh_from_db()
    assert (one.state, one.ended_on) == ("ended", date(2026, 3, 5))
    assert differing_customers() == (0, [])


def test_saved_terms_are_put_back(subscribe):
    one = subscribe(
        MARCH_1, "100", state="trial", trial_until=date(2026, 3, 15), coupon_percent=Decimal(25)
    )
    saved = services.saved_terms(one, date(2026, 3, 5))
    services.change(one.pk, on=date(2026, 3, 6), now=NOW, amount=Decimal(5), state="active")
    services.restore(one.pk, saved, on=date(2026, 3, 7), now=NOW, note="undone")
    one.refresh_from_db()
    assert (one.amount, one.next_step_on) == (75, None)
    services.change(
        one.pk, on=date(2026, 3, 8), now=NOW, amount=Decimal(5), basis="override", note="x",
        price_until=date(2026, 3, 30),
    )  # fmt: skip
    saved = services.saved_terms(one, date(2026, 3, 9))
    services.restore(one.pk, saved, on=date(2026, 3, 10), now=NOW, note="a complaint")
    one.refresh_from_db()
    assert one.next_step_on == date(2026, 3, 30)


def test_saved_terms_that_have_ended_by_themselves_are_put_back_as_they_would_be(subscribe):
    one = subscribe(MARCH_1, "50", coupon="SPRING", coupon_percent=Decimal(20),
                    coupon_until=date(2026, 3, 7))  # fmt: skip
    services.change(
        one.pk, on=date(2026, 3, 2), now=NOW, amount=Decimal(10), basis="override", note="x",
        price_until=date(2026, 3, 8),
    )  # fmt: skip
    saved = services.saved_terms(one, date(2026, 3, 3))
    services.change(one.pk, on=date(2026, 3, 4), now=NOW, amount=Decimal(99), basis="negotiated")
    services.restore(one.pk, saved, on=date(2026, 3, 9), now=NOW, note="undone")
    one.refresh_from_db()
    assert (one.amount, one.basis, one.next_step_on) == (50, "negotiated", None)
    assert one.changes.latest("on").coupon == ""
    days = [each.on for each in expanded(each.terms("") for each in one.changes.all())]
    assert days == sorted(set(days))


def test_saved_terms_of_a_day_before_the_start_are_the_first(subscribe):
    one = subscribe(MARCH_1, "100", plan="pro")
    services.change(one.pk, on=date(2026, 3, 5), now=NOW, amount=Decimal(5))
    saved = services.saved_terms(one, date(2026, 2, 28))
    assert (saved["plan"], saved["price"]) == ("pro", 100)


def test_erasing_keeps_that_an_override_had_a_reason(customer, subscribe):
    one = subscribe(MARCH_1, "50")
    services.change(
        one.pk, on=date(2026, 3, 5), now=NOW, amount=Decimal(10), basis="override",
        note="Anna asked", price_until=date(2026, 4, 1), recorded_by="ada",
    )  # fmt: skip
    services.erase(customer.pk, now=NOW)
    row = one.changes.latest("on")
    assert (row.note, row.recorded_by) == ("Erased.", "")


def test_a_new_name_whose_id_another_customer_has_gets_an_id_of_its_own(db):
    taken = Customer.objects.create(external_id="acme-holding", name="Other", currency="USD")
    made, is_new = services.find_or_create("Acme  Holding", currency="USD", zone="x", now=NOW)
    assert is_new
    assert made.external_id.startswith("acme-holding-")
    assert (made.name, made.time_zone) == ("Acme Holding", "UTC")
    again, is_new = services.find_or_create("ACME Holding", currency="USD", now=NOW)
    assert (again, is_new) == (made, False)
    assert taken.name == "Other"
