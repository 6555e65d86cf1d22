"""What offers say by mail while staff publish no other texts. Pure."""

from enum import StrEnum

OFFER, WITHDRAWN = "upsell_offer", "upsell_offer_withdrawn"
OFFER_KEY, WITHDRAWN_KEY = "upsell_offer:", "upsell_offer_withdrawn:"
FIELDS = {
    "contact_name": "the recipient",
    "customer": "the recipient's company",
    "current_plan": "the present plan",
    "plan": "the offered plan",
    "monthly_cost": "of the offered plan, for the forecast use",
    "present_cost": "of the present plan, for the same use",
    "valid_until": "the day on which the offer expires",
    "account_manager": "the customer's owner; may be empty",
}
SUBJECT = "An offer: {{ plan }} for {{ customer }}"
TEXT = """Dear {{ contact_name }},

by your use of the last weeks we suggest the plan {{ plan }} instead of {{ current_plan }}.
For the use that we forecast, it costs {{ monthly_cost }} a month; on {{ current_plan }} the same
use costs {{ present_cost }}.

The offer holds until {{ valid_until }}. Answer this mail to accept it, or to ask.

{{ account_manager|default:"Your account team" }}
"""
WITHDRAWN_SUBJECT = "Our offer of {{ plan }} for {{ customer }} is withdrawn"
WITHDRAWN_TEXT = """Dear {{ contact_name }},

our offer to move from {{ current_plan }} to {{ plan }} no longer holds.
Nothing about your contract changes.

{{ account_manager|default:"Your account team" }}
"""


class OfferDelivery(StrEnum):
    """How an offer reaches the customer."""

    NOT_OFFERED = ""
    MAIL = "mail"
    IN_PERSON = "in_person"  # nobody may be mailed an offer: the account manager makes it


def opportunity_of(key: str) -> int:
    """The number of the opportunity that a mail's key names."""
    return int(key.split(":")[1])
