"""Find, offer and decide upsell opportunities."""

from revenue.upsell.services.decisions import KINDS
from revenue.upsell.services.lifecycle import (
    CUSTOMER_HOOK,
    accept,
    assign,
    decline,
    offer,
    withdraw,
)
from revenue.upsell.services.mailing import MAIL_KINDS
from revenue.upsell.services.sweep import AUTOMATIONS, expire, find_and_offer, propose_offers, store
