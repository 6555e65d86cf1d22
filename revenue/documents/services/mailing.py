"""Mail numbered documents as PDF to the customer's finance contacts."""

from datetime import datetime

from operations.messaging.outside.mail_kinds import MailAttachment, MailKind, MailPurpose
from revenue.customers import reports as customers
from revenue.customers import services as contacts
from revenue.customers.services import InvalidEntry
from revenue.documents import mail_texts, reports
from revenue.documents.document import DocumentState, content_from_json
from revenue.documents.models import InvoiceDocument

PDF = "application/pdf"
NOBODY = "There is no active contact who gets invoices: add one with the role finance or owner."


def mail_new(row: InvoiceDocument, now: datetime) -> int:
    """Queue a new document for mail where its issuer mails invoices; how many mails."""
    return _queue(row, now, "") if row.issuer.mails_invoices else 0


def mail_again(document_id: int, *, now: datetime) -> int:
    """Queue a document for mail once more, whatever its issuer does. Raises InvalidEntry."""
    row = reports.documents().get(pk=document_id)
    if row.content is None:
        raise InvalidEntry("document", f"What {row} says was erased.")
    count = _queue(row, now, f":{int(now.timestamp())}")
    if not count:
        raise InvalidEntry("contact", NOBODY)
    return count


def _queue(row: InvoiceDocument, now: datetime, again: str) -> int:
    content = content_from_json(row.content or {})
    kind = mail_texts.INVOICE if row.due_on else mail_texts.CREDIT_NOTE
    people = customers.recipients(reports.owner_of(row), *reports.INVOICE_ROLES)
    for contact in people:
        key = f"{mail_texts.INVOICE_KEY}{row.pk}:{contact.pk}{again}"
        contacts.write_to(contact, kind, key, mail_texts.values(content), now=now)
    return len(people)


def document_of(key: str) -> InvoiceDocument | None:
    """The document that a mail's key names."""
    return reports.documents().filter(pk=int(key.split(":")[1])).first()


def attached(key: str) -> MailAttachment | None:
    """The PDF of the document, drawn when the mail goes out."""
    row = document_of(key)
    if row is None or row.content is None:
        return None
    return MailAttachment(f"{row.number}.pdf", PDF, reports.drawn(row))


def unwanted(key: str) -> str:
    """Why a document must not be mailed any more."""
    row = document_of(key)
    return "" if row is not None and row.content is not None else "The document was erased."


def reminder_unwanted(key: str) -> str:
    """Why nobody is to be reminded any more: it was paid or written off since."""
    row = document_of(key)
    if row is None or row.state != DocumentState.OPEN:
        return "The invoice is no longer open."
    return ""


MAIL_KINDS = (
    MailKind(
        mail_texts.INVOICE,
        "Invoice",
        MailPurpose.SERVICE,
        mail_texts.FIELDS,
        mail_texts.INVOICE_SUBJECT,
        mail_texts.INVOICE_TEXT,
        unwanted,
        attached,
    ),
    MailKind(
        mail_texts.CREDIT_NOTE,
        "Credit note",
        MailPurpose.SERVICE,
        mail_texts.FIELDS,
        mail_texts.CREDIT_SUBJECT,
        mail_texts.CREDIT_TEXT,
        unwanted,
        attached,
    ),
    MailKind(
        mail_texts.REMINDER,
        "Payment reminder",
        MailPurpose.REMINDER,
        mail_texts.REMINDER_FIELDS,
        mail_texts.REMINDER_SUBJECT,
        mail_texts.REMINDER_TEXT,
        reminder_unwanted,
        attached,
    ),
)
