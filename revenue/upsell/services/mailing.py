"""Mail offers to the contacts who decide and agreed to offers, and say it when one is withdrawn."""

from datetime import datetime, timedelta

from aethercrown.formatting import date_text
from operations.decisions.decision_types import Stale
from operations.messaging import reports as mail
from operations.messaging import services as messaging
from operations.messaging.outside.mail_kinds import MailKind, MailPurpose
from revenue.customers import reports as customers
from revenue.customers import services as contacts
from revenue.upsell import offer_mail
from revenue.upsell.models import Opportunity
from revenue.upsell.offer_mail import OfferDelivery
from revenue.upsell.reports import offers
from revenue.upsell.states import OpportunityState

NO_LONGER = "The offer is no longer open."


def send_offer(row: Opportunity, now: datetime) -> OfferDelivery:
    """Queue the offer for everybody who may be mailed one; else a person makes it."""
    people = offers.offer_recipients(row.customer_id)
    for contact in people:
        key = f"{offer_mail.OFFER_KEY}{row.pk}:{int(now.timestamp())}:{contact.pk}"
        contacts.write_to(contact, offer_mail.OFFER, key, _values(row), now=now)
    return OfferDelivery.MAIL if people else OfferDelivery.IN_PERSON


def _values(row: Opportunity) -> dict[str, str]:
    names, costs = offers.plan_names(), offers.cost_texts(row)
    until = row.expires_at or row.updated_at + timedelta(days=offers.terms().valid_days)
    return {
        "customer": row.customer.name,
        "current_plan": names.get(row.current_plan, row.current_plan),
        "plan": names.get(row.recommended_plan, row.recommended_plan),
        "monthly_cost": costs.get(row.recommended_plan, ""),
        "present_cost": costs.get(row.current_plan, ""),
        "valid_until": date_text(until),
        "account_manager": row.owner,
    }


def cancel_offer(row: Opportunity, now: datetime) -> None:
    """Take back the mail of an offer. Raises Stale where one went out already."""
    keys = mail.keys_of(f"{offer_mail.OFFER_KEY}{row.pk}:")
    if any(each.state in {"sent", "sending"} for each in mail.mail_status(keys).values()):
        raise Stale(f"The offer of {row} was mailed already: withdraw it instead.")
    for key in keys:
        messaging.cancel(key, reason=NO_LONGER, now=now)


def say_withdrawn(row: Opportunity, now: datetime) -> None:
    """Tell everybody who got the offer that it no longer holds; what still waits does not go."""
    keys = mail.keys_of(f"{offer_mail.OFFER_KEY}{row.pk}:")
    for key, status in mail.mail_status(keys).items():
        if messaging.cancel(key, reason=NO_LONGER, now=now) or status.state != "sent":
            continue
        contact = customers.contacts().filter(pk=int(key.rpartition(":")[2])).first()
        if contact is not None:
            again = key.replace(offer_mail.OFFER_KEY, offer_mail.WITHDRAWN_KEY, 1)
            contacts.write_to(contact, offer_mail.WITHDRAWN, again, _values(row), now=now)


def unwanted(key: str) -> str:
    """Why an offer must not be mailed any more."""
    row = Opportunity.objects.filter(pk=offer_mail.opportunity_of(key)).first()
    return "" if row is not None and row.state == OpportunityState.OFFERED else NO_LONGER


MAIL_KINDS = (
    MailKind(
        offer_mail.OFFER,
        "Upsell offer",
        MailPurpose.MARKETING,
        offer_mail.FIELDS,
        offer_mail.SUBJECT,
        offer_mail.TEXT,
        unwanted,
    ),
    MailKind(
        offer_mail.WITHDRAWN,
        "Upsell offer withdrawn",
        MailPurpose.SERVICE,
        offer_mail.FIELDS,
        offer_mail.WITHDRAWN_SUBJECT,
        offer_mail.WITHDRAWN_TEXT,
    ),
)
