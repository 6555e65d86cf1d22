"""Number documents, mail them, remind of payment, and forget those whose legal term is over."""

from revenue.documents.services.documents import (
    CUSTOMER_HOOK,
    Claim,
    forget_expired,
    issue,
    mark_paid,
    reopen,
    write_off,
)
from revenue.documents.services.mailing import MAIL_KINDS, mail_again
from revenue.documents.services.reminders import AUTOMATIONS, KINDS
