"""Fill the agreed terms of subscriptions, and customers' credit, from what stands.

A stored amount is what was agreed: it becomes the price of a month. It follows the price book where
it is exactly the plan's base price in the version then in force, else it is negotiated. An amount
of 0 stood for a state: before the first payment a trial, without any payment a free plan, later a
pause. Credit carried by a customer's newest invoice becomes their balance, once.
"""

from django.db import migrations
from django.db.models import Exists, F, OuterRef, Q, Subquery

from operations.automations.seeding import seed


def fill_terms(apps, schema_editor):
    change = apps.get_model("revenue", "SubscriptionChange").objects
    subscription = apps.get_model("revenue", "Subscription").objects
    change.update(price=F("amount"))
    mine = change.filter(subscription=OuterRef("subscription"))
    later = mine.filter(Q(on__gt=OuterRef("on")) | Q(on=OuterRef("on"), pk__gt=OuterRef("pk")))
    earlier = mine.filter(Q(on__lt=OuterRef("on")) | Q(on=OuterRef("on"), pk__lt=OuterRef("pk")))
    change.filter(is_end=True).update(state="ended")
    unpaid = change.filter(is_end=False, amount=0)
    unpaid.filter(Exists(earlier.filter(amount__gt=0))).update(state="paused")
    unpaid = unpaid.exclude(state="paused")
    unpaid.filter(Exists(later.filter(amount__gt=0))).update(state="trial")
    unpaid.exclude(state="trial").update(state="free")
    _mark_list_prices(apps, change)
    last = change.filter(subscription=OuterRef("pk")).order_by("-on", "-pk")
    for name in ("price", "state", "basis"):
        known = subscription.filter(Exists(last))
        known.update(**{name: Subquery(last.values(name)[:1])})
    before = change.filter(subscription=OuterRef("pk"), is_end=False).order_by("-on", "-pk")
    ended = subscription.filter(ended_on__isnull=False)
    ended.filter(Exists(before)).update(price=Subquery(before.values("price")[:1]))


def _mark_list_prices(apps, change):
    versions = apps.get_model("revenue", "PriceBookVersion").objects.filter(state="published")
    for version in versions.select_related("book").order_by("book", "effective_from", "number"):
        following = versions.filter(
            book=version.book, effective_from__gt=version.effective_from
        ).order_by("effective_from").first()
        for price in version.prices.select_related("plan"):
            rows = change.filter(
                subscription__currency=version.book.currency,
                plan=price.plan.code,
                state="active",
                on__gte=version.effective_from,
                price=price.base_price,
            )
            if following is not None:
                rows = rows.filter(on__lt=following.effective_from)
            rows.update(basis="list")


def fill_credit(apps, schema_editor):
    """Only credit that no later invoice of the customer used already."""
    invoice = apps.get_model("revenue", "Invoice").objects
    entry = apps.get_model("revenue", "CreditEntry").objects
    newest = {}
    for row in invoice.order_by("period_start", "pk").select_related("customer").iterator():
        owner = row.customer.merged_into_id or row.customer_id
        held = newest.setdefault(owner, {})
        if held and max(each.period_start for each in held.values()) < row.period_start:
            held.clear()
        held[row.customer_id] = row
    for held in newest.values():
        for row in held.values():
            if row.carried:
                entry.create(
                    customer=row.customer,
                    currency=row.currency,
                    kind="carried",
                    amount=row.carried,
                    invoice=row,
                    booked_at=row.issued_at,
                    booked_by=row.issued_by,
                )


def seed_schedule(apps, schema_editor):
    seed(
        apps,
        name="revenue.reconcile_billing",
        title="Follow price books, and check invoices against MRR",
        at="02:10",
        mode="auto",
    )


class Migration(migrations.Migration):

    dependencies = [
        ("revenue", "0002_plan_terms"),
    ]

    operations = [
        migrations.RunPython(fill_terms, migrations.RunPython.noop),
        migrations.RunPython(fill_credit, migrations.RunPython.noop),
        migrations.RunPython(seed_schedule, migrations.RunPython.noop),
    ]
