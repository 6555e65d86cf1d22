"""What invoices and reminders say by mail while staff publish no other texts. Pure."""

from datetime import date
from decimal import Decimal

from aethercrown.formatting import date_text, money_text
from revenue.documents.document import DocumentContent

INVOICE, CREDIT_NOTE, REMINDER = "invoice", "credit_note", "payment_reminder"
INVOICE_KEY, REMINDER_KEY = "invoice_document:", "payment_reminder:"
FIELDS = {
    "contact_name": "the recipient",
    "number": "of the document, such as INV-2026-000001",
    "issuer": "the issuing company",
    "customer": "the billed company",
    "period": "what it is for, such as March 2026",
    "total": "with tax, in its currency; in a reminder, what credit notes left of it",
    "due": "the day on which it is due; empty on a credit note",
    "payment_details": "of the issuer, such as the bank",
}
REMINDER_FIELDS = {
    **FIELDS,
    "step": "the number of the reminder",
    "days_overdue": "whole days since it was due",
}
INVOICE_SUBJECT = "Invoice {{ number }} of {{ issuer }}"
INVOICE_TEXT = """Dear {{ contact_name }},

attached is invoice {{ number }} for {{ period }}: {{ total }}, due on {{ due }}.

{{ payment_details|default:"" }}

{{ issuer }}
"""
CREDIT_SUBJECT = "Credit note {{ number }} of {{ issuer }}"
CREDIT_TEXT = """Dear {{ contact_name }},

attached is credit note {{ number }} for {{ period }}: {{ total }}.

{{ issuer }}
"""
REMINDER_SUBJECT = "Reminder {{ step }}: invoice {{ number }} was due on {{ due }}"
REMINDER_TEXT = """Dear {{ contact_name }},

invoice {{ number }} for {{ period }} over {{ total }} was due on {{ due }},
{{ days_overdue }} days ago, and we have not received a payment. It is attached again.
If you have paid meanwhile, nothing is left to do.

{{ payment_details|default:"" }}

{{ issuer }}
"""


def values(content: DocumentContent) -> dict[str, str]:
    """The merge fields of a document, but for the recipient's name."""
    return {
        "number": content.number,
        "issuer": content.issuer.name,
        "customer": content.customer.name,
        "period": content.period,
        "total": money_text(content.gross, content.currency),
        "due": date_text(content.due_on) if content.due_on else "",
        "payment_details": content.payment_details,
    }


def reminder_values(
    content: DocumentContent, step: int, today: date, outstanding: Decimal
) -> dict[str, str]:
    """The same of a reminder, which asks for what credit notes left."""
    overdue = (today - content.due_on).days if content.due_on else 0
    left = money_text(outstanding, content.currency)
    return {**values(content), "total": left, "step": str(step), "days_overdue": str(overdue)}
