"""Two kinds of mail to people outside, and a mail server that keeps what it takes."""

from collections.abc import Mapping

import pytest

from operations.messaging import services
from operations.messaging.models import Message
from operations.messaging.outside.mail_kinds import (
    MailAttachment,
    MailKind,
    MailPurpose,
    OutsideMail,
    mail_kinds,
)
from tests.aethercrown.registries import isolated
from tests.operations.conftest import NOON

ADA = "Ada@Example.org"
FIELDS = {"contact_name": "who", "total": "how much"}


@pytest.fixture(autouse=True)
def _mail_goes_out(settings):
    settings.EMAIL_URL = "smtp://localhost"
    settings.ALERT_EMAIL_FROM = "Crown <crown@example.org>"
    settings.PUBLIC_URL = "https://crown.example.org"


@pytest.fixture(autouse=True)
def unwanted():
    """Why mails must not go out any more, by key; kinds of mail are registered."""
    reasons: dict[str, str] = {}
    pdf = MailAttachment("a.pdf", "application/pdf", b"%PDF-1")
    made = [
        MailKind(
            purpose.value,
            purpose.value.capitalize(),
            purpose,
            FIELDS,
            "For {{ contact_name }}",
            'Dear {{ contact_name }}, {{ total|default:"nothing" }}.',
            lambda key: reasons.get(key, ""),
            lambda key: pdf if key.startswith("pdf") else None,
        )
        for purpose in MailPurpose
    ]
    with isolated(mail_kinds):
        mail_kinds.register_all(made)
        yield reasons


def queued(
    key: str = "mail:1",
    kind: str = "service",
    address: str = ADA,
    values: Mapping[str, str] | None = None,
    now=NOON,
    **more: str,
) -> Message:
    given = {"contact_name": "Ada", **(values or {})}
    mail = OutsideMail(key, kind, address, "Ada", given, person="contact 7", **more)
    return services.enqueue_mail(mail, now)


def deliver(now=NOON, send=None) -> int:
    return services.deliver_due(clock=lambda: now, send=send, random=lambda: 0.5)
