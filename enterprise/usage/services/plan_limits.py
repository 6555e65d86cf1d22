"""Limits that a client's plan brings: entitlements of the plan become versions of its limits."""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal

from enterprise.usage import reports
from enterprise.usage.models import UsageLimit
from enterprise.usage.services import metrics
from revenue.customers import reports as customers
from revenue.pricing import reports as pricing

Source = UsageLimit.Source


def sync(customer_ids: Collection[int], now: datetime) -> int:
    """Set the limits that clients' plans state where nobody set another; how many are new.

    A limit that the API or staff set stays, whatever the plan states.
    """
    plans = customers.active_plans(customer_ids)
    stated = pricing.plan_limits(set(plans.values()))
    known = reports.metrics({code for limits in stated.values() for code in limits})
    in_force = reports.limits_in_force(customer_ids, now)
    new = 0
    for customer, plan in sorted(plans.items()):
        limits: dict[int, Decimal] = {}
        for code, quantity in stated.get(plan, {}).items():
            metric = known.get(code)
            row = in_force.get((customer, metric.pk)) if metric else None
            if metric and (row is None or row.source == Source.PLAN):
                limits[metric.pk] = quantity
        if limits:
            new += metrics.set_limits(
                customer, limits, valid_from=now, source=Source.PLAN, by=f"plan {plan}", now=now
            )
    return new
