"""Find, offer and decide upsell opportunities."""

from revenue.upsell.services.decisions import KINDS
from revenue.upsell.services.lifecycle import accept, assign, decline, offer, withdraw
from revenue.upsell.services.personal_data import erase_free_text, move_to_customer
from revenue.upsell.services.sweep import AUTOMATIONS, expire, find_and_offer, propose_offers, store
