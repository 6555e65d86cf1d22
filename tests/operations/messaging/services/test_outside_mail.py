"""Mail to people outside is written once, checked when it goes, and erased with its recipient."""

import smtplib
from datetime import timedelta

import pytest
from django.core import mail

from operations.messaging import reports, services
from operations.messaging.models import Destination, MailTemplateVersion, Message, SendingRule
from operations.messaging.services import DeliveryFailed
from tests.operations.conftest import NOON
from tests.operations.messaging.services.conftest import ADA, deliver, queued

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def state(key: str = "mail:1") -> tuple[str, str]:
    row = Message.objects.get(event_key=key)
    return row.state, row.error


def test_a_mail_is_written_once_and_sent_once():
    first, again = queued(values={"total": "9 USD"}), queued(values={"total": "8 USD"})
    assert (first.pk, again.text) == (again.pk, "Dear Ada, 9 USD.")
    assert (deliver(), deliver()) == (1, 0)
    (sent,) = mail.outbox
    assert (sent.to, sent.subject, sent.body) == ([ADA], "For Ada", "Dear Ada, 9 USD.")
    assert "List-Unsubscribe" not in sent.extra_headers
    assert sent.attachments == []
    assert state() == ("sent", "")
    assert str(reports.mail_status(["mail:1", "other"])["mail:1"]).startswith("sent, ")


def test_a_mail_takes_its_file_along():
    queued("pdf:1")
    deliver()
    assert mail.outbox[0].attachments == [("a.pdf", b"%PDF-1", "application/pdf")]


def test_staff_and_people_outside_have_one_outbox(listener):
    queued()
    services.enqueue_test(listener.pk, NOON)
    assert deliver() == 2
    assert {each.to[0] for each in mail.outbox} == {ADA, "ada@example.com"}


def test_what_is_no_longer_wanted_does_not_go(unwanted):
    queued()
    unwanted["mail:1"] = "It was paid."
    assert deliver() == 0
    assert state() == ("skipped", "It was paid.")
    assert services.deliver_due(clock=lambda: NOON + DAY) == 0


def test_marketing_needs_consent_and_has_a_link_of_one_click():
    queued("mail:1", "marketing")
    deliver()
    assert state() == ("skipped", "The recipient has not agreed to such mail.")

    services.give_consent(ADA.lower(), source="form", now=NOON)
    queued("mail:2", "marketing")
    assert deliver() == 1
    (sent,) = mail.outbox
    link = sent.extra_headers["List-Unsubscribe"].strip("<>")
    assert sent.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert link.startswith("https://crown.example.org/unsubscribe/")
    assert sent.body.endswith(f"No such mail any more: {link}\n")

    services.unsubscribe(link.rpartition("/")[2], NOON)
    queued("mail:3", "marketing")
    queued("mail:4", "service")
    assert deliver(NOON + 2 * DAY) == 1
    assert state("mail:3") == ("skipped", "The recipient unsubscribed.")
    assert state("mail:4")[0] == "sent"


def test_without_an_address_of_this_site_marketing_is_not_sent(settings):
    settings.PUBLIC_URL = ""
    services.give_consent(ADA, source="form", now=NOON)
    row = queued(kind="marketing")
    deliver()
    assert state() == ("dead", "PUBLIC_URL is not set, so the mail has no link to unsubscribe.")
    settings.PUBLIC_URL = "https://crown.example.org"
    services.send_again(row.pk, NOON)
    assert deliver() == 1


def test_quiet_hours_hold_a_mail_and_do_not_drop_it():
    night = NOON.replace(hour=22)
    queued(kind="reminder", now=night)
    assert deliver(night) == 0
    row = Message.objects.get()
    assert (row.state, row.waits_for, row.tries) == ("queued", "quiet hours", 0)
    assert (row.next_at, row.waits_since) == (night + 10 * HOUR, night)
    assert str(reports.mail_status(["mail:1"])["mail:1"]).startswith("waits: quiet hours, ")
    assert deliver(night + 9 * HOUR) == 0
    assert deliver(night + 10 * HOUR) == 1


def test_a_cap_counts_the_mails_of_a_purpose_to_an_address_however_it_is_written():
    for number in range(3):
        queued(f"mail:{number}", "reminder", address=(ADA, ADA.lower(), ADA.upper())[number])
    assert deliver() == 1
    assert [row.waits_for for row in Message.objects.order_by("pk")[1:]] == ["frequency cap"] * 2
    assert deliver(NOON + DAY) == 1
    assert deliver(NOON + 2 * DAY) == 0  # two a week
    queued("mail:9", "service")
    assert deliver(NOON + 2 * DAY) == 1


def test_what_failed_for_good_counts_in_no_cap():
    SendingRule.objects.filter(purpose="reminder").update(quiet_from="00:00", quiet_until="00:00")

    def refuse(_message, _now):
        raise DeliveryFailed("no", final=True)

    queued("mail:1", "reminder")
    deliver(send=refuse)
    queued("mail:2", "reminder")
    assert deliver() == 1


def test_a_text_without_a_value_stops_its_mail_but_not_its_event():
    MailTemplateVersion.objects.create(
        kind="service", number=1, subject="S", text="{{ total }}", state="published",
        published_at=NOON,
    )  # fmt: skip
    row = queued()
    assert (row.state, row.error) == ("dead", "There is no value for total.")
    again = services.send_again(row.pk, NOON)
    assert again.state == "dead"
    MailTemplateVersion.objects.create(
        kind="service", number=2, subject="S2", text="Without.", state="published",
        published_at=NOON,
    )  # fmt: skip
    assert services.send_again(row.pk, NOON).title == "S2"
    assert deliver() == 1


def test_the_text_of_the_recipients_language_is_used():
    for locale in ("", "de"):
        MailTemplateVersion.objects.create(
            kind="service", locale=locale, number=1, subject=f"In {locale or 'any'}", text="x",
            state="published", published_at=NOON,
        )  # fmt: skip
    assert queued("mail:1", locale="de-AT").title == "In de"
    assert queued("mail:2", locale="fr").title == "In any"
    assert queued("mail:1", locale="fr").title == "In de"


class Refusing:
    """A mail server that refuses the address with this code and text."""

    def __init__(self, code, words):
        self.refused = {ADA: (code, words)}

    def open(self):
        return True

    def close(self):
        """Nothing is open."""

    def send_messages(self, _messages):
        raise smtplib.SMTPRecipientsRefused(self.refused)


@pytest.mark.parametrize(
    ("code", "words", "after", "suppressed"),
    [
        (550, b"5.1.1 no such user", "dead", "all"),
        (550, b"5.7.1 relaying denied", "dead", "none"),
        (450, b"4.2.0 greylisted", "queued", "none"),
    ],
)
def test_a_bounce_suppresses_the_address_a_refusal_for_another_reason_does_not(
    monkeypatch, code, words, after, suppressed
):
    monkeypatch.setattr("django.core.mail.get_connection", lambda **_: Refusing(code, words))
    row = queued()
    assert deliver() == 0
    assert state()[0] == after
    assert f"{code} {words.decode()}" in state()[1]
    assert row.recipient is not None
    row.recipient.refresh_from_db()
    assert row.recipient.suppression == suppressed


def test_a_mail_is_taken_back_until_it_is_handed_over():
    queued("mail:1")
    assert services.cancel("mail:1", reason="Withdrawn.", now=NOON)
    assert state() == ("skipped", "Withdrawn.")
    queued("mail:2")
    deliver()
    assert not services.cancel("mail:2", reason="Withdrawn.", now=NOON)


def test_erasing_a_person_leaves_nothing_of_the_mail_but_a_suppression():
    for number, address in enumerate((ADA, "bob@example.org")):
        queued(f"mail:{number}", address=address)
    services.withdraw_consent("bob@example.org", source="phone", now=NOON)
    deliver()
    queued("mail:9")
    assert len(reports.mails_to(["contact 7"])) == 3
    services.erase_mail(["contact 7"], [ADA, "bob@example.org"], [], NOON)
    rows = list(Message.objects.values_list("to", "address", "title", "text"))
    assert rows == [("Erased", "", "Erased", "")] * 3
    assert state("mail:9") == ("skipped", "The recipient was erased.")
    assert list(reports.known([ADA, "bob@example.org"])) == ["bob@example.org"]


def test_a_mail_whose_recipient_is_gone_does_not_go():
    queued()
    Message.objects.update(recipient=None)
    deliver()
    assert state() == ("skipped", "Its recipient was erased.")


def test_without_rules_the_default_ones_hold():
    SendingRule.objects.all().delete()
    night = NOON.replace(hour=22)
    queued("mail:1", "reminder", now=night)
    queued("mail:2", "service", now=night)
    assert deliver(night) == 1
    assert state("mail:2")[0] == "sent"


def test_mail_is_off_without_a_server(settings):
    settings.EMAIL_URL = ""
    queued()
    deliver()
    assert state() == ("dead", "No mail goes out: EMAIL_URL is not set.")


def test_a_deleted_destination_is_not_a_person_outside(listener):
    services.enqueue_test(listener.pk, NOON)
    Destination.objects.all().delete()
    deliver()
    assert Message.objects.get().error == "Its destination was deleted."


@pytest.mark.django_db(transaction=True)
def test_of_two_mails_at_once_the_second_counts_the_first(at_once):
    rows = [queued(f"mail:{number}", "reminder") for number in range(2)]
    waiting = iter([services.claim(row.pk, NOON) for row in rows])

    def act():
        message = next(waiting)
        return message is not None and services.release(message, NOON).is_go

    assert sorted(at_once(act, 2)) == [False, True]
