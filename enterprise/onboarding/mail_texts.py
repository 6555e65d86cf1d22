"""The texts of mail to a customer's contacts, while staff publish no others. Pure."""

LINK, REMINDER = "onboarding_link", "onboarding_reminder"
LINK_FIELDS = {
    "contact_name": "who it is to",
    "company": "the customer's name",
    "link": "the address of the contact's own page",
}
REMINDER_FIELDS = {**LINK_FIELDS, "steps": "the steps that wait, one a line"}
LINK_SUBJECT = "Your onboarding: follow it here"
LINK_TEXT = """Hello {{ contact_name|default:"there" }},

this page shows where the onboarding of {{ company }} stands and what is waited for:

{{ link }}

The link is yours alone and works for 30 days.
"""
REMINDER_SUBJECT = "Your onboarding waits for you"
REMINDER_TEXT = """Hello {{ contact_name|default:"there" }},

the onboarding of {{ company }} waits for you:

{{ steps }}

Your page: {{ link|default:"ask your account manager for the link" }}
"""
