"""What moved the MRR lately."""

from datetime import date
from decimal import Decimal

from django.utils import timezone

from revenue.customers.models import Customer
from revenue.mrr.models import MrrMovement
from revenue.mrr.reports import RecentMovements, recent_movements

DAY = date(2026, 3, 2)


def moved(customer, kind, amount, on=DAY, currency="USD"):
    return MrrMovement.objects.create(
        customer=customer, currency=currency, on=on, effective_on=on, kind=kind, amount=amount,
        payers=0, before=0, after=amount, cause="changed", booked_at=timezone.now(),
    )  # fmt: skip


def test_the_largest_movements_name_the_kept_customer_and_sums_have_signs(
    db, django_assert_num_queries
):
    kept = Customer.objects.create(external_id="kept", name="Kept Ltd", currency="USD")
    merged = Customer.objects.create(
        external_id="old", name="Old Ltd", currency="USD", merged_into=kept
    )
    moved(merged, "churn", 40)
    moved(kept, "new", 90)
    moved(kept, "new", 500, on=date(2026, 3, 1))
    moved(kept, "new", 700, currency="EUR")
    with django_assert_num_queries(1):
        found = recent_movements("USD", DAY, most=1)
    assert found.by_kind == {"churn": Decimal(-40), "new": Decimal(90)}
    assert found.net == Decimal(50)
    assert [each.signed_amount for each in found.largest] == [Decimal(90)]
    both = recent_movements("USD", DAY).largest
    assert [(each.external_id, each.customer) for each in both] == [("kept", "Kept Ltd")] * 2


def test_nothing_moved_is_an_empty_sum(db):
    assert recent_movements("USD", DAY) == RecentMovements({}, [])
    assert recent_movements("USD", DAY).net == 0
