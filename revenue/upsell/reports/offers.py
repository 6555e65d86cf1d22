"""What offers depend on: the terms, earlier answers, priorities and comparison customers."""

from collections.abc import Collection, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Count, Max, Q

from aethercrown.formatting import money_text
from operations.messaging import reports as messaging
from revenue.customers import reports as customers
from revenue.customers.models import Contact, SubscriptionChange
from revenue.customers.plan_terms import SubscriptionState
from revenue.pricing.models import PricingPlan
from revenue.upsell import offer_mail
from revenue.upsell.models import OfferTerms, Opportunity
from revenue.upsell.opportunities import OpportunityKind
from revenue.upsell.states import OpportunityState

MAX_COMPARISON_GROUP = 500


class AnswerCounts(NamedTuple):
    """How many offers of a kind were accepted and declined."""

    accepted: int = 0
    declined: int = 0


def terms() -> OfferTerms:
    """The terms that staff set, or the defaults."""
    return OfferTerms.objects.filter(pk=1).first() or OfferTerms(pk=1)


def offer_recipients(customer_id: int) -> list[Contact]:
    """Who is mailed an offer: the contacts who decide, agreed to offers and did not unsubscribe."""
    people = customers.recipients(customer_id, "owner")
    return [each for each in people if messaging.may_be_offered(each.email)]


def offer_mails(opportunity_id: int) -> list[str]:
    """What became of each mail about an offer, the oldest first."""
    keys = (offer_mail.OFFER_KEY, offer_mail.WITHDRAWN_KEY)
    return messaging.mail_course([f"{each}{opportunity_id}:" for each in keys])


def plan_names() -> dict[str, str]:
    """The names of plans by code."""
    return dict(PricingPlan.objects.values_list("code", "name"))


def cost_texts(row: Opportunity) -> dict[str, str]:
    """The cost of each plan a month for the forecast use, with its currency."""
    return {
        plan: money_text(Decimal(str(span["estimate"])), row.currency)
        for plan, span in row.costs.items()
    }


def answer_counts() -> dict[str, AnswerCounts]:
    """The answers to offers so far, by kind."""
    rows = Opportunity.objects.order_by().values_list("kind")
    counted = rows.annotate(
        accepted=count_in(OpportunityState.ACCEPTED), declined=count_in(OpportunityState.DECLINED)
    )
    return {kind: AnswerCounts(accepted, declined) for kind, accepted, declined in counted}


def count_in(*states: OpportunityState) -> Count:
    return Count("pk", filter=Q(state__in=states))


def last_declined(customer_ids: Collection[int]) -> dict[int, datetime]:
    """By customer, when an offer was last declined or expired."""
    rows = Opportunity.objects.filter(
        customer__in=customer_ids, state__in=[OpportunityState.DECLINED, OpportunityState.EXPIRED]
    ).order_by()
    return dict(rows.values_list("customer_id").annotate(Max("decided_at")))


def by_priority(rows: Iterable[Opportunity]) -> list[Opportunity]:
    """Sorted: those that save the customer money first, then by expected gain."""
    return sorted(
        rows,
        key=lambda each: (
            each.kind != OpportunityKind.OVERAGE_SAVING,
            -each.confidence * float(each.gain),
            each.pk,
        ),
    )


def comparison_group(opportunity: Opportunity, before: date) -> list[int]:
    """Ids of customers who were on the same plan by a day and never accepted an offer."""
    took = Opportunity.objects.filter(state=OpportunityState.ACCEPTED).values("customer")
    rows = SubscriptionChange.objects.filter(
        plan=opportunity.current_plan,
        on__lte=before,
        state=SubscriptionState.ACTIVE,
        subscription__currency=opportunity.currency,
    ).exclude(subscription__customer__in=took)
    others = rows.exclude(subscription__customer=opportunity.customer_id)
    keys = others.order_by("subscription__customer").values_list(
        "subscription__customer", flat=True
    )
    return list(keys.distinct()[:MAX_COMPARISON_GROUP])
