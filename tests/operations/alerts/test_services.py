"""Alerts are told once, whatever is repeated, and once more where they become graver."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction

from aethercrown.transitions import InvalidTransition
from operations.alerts import services
from operations.alerts.models import Alert, Silence
from operations.messaging.models import Destination, Message
from tests.operations.conftest import NOON

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
SOURCE_NAMED = re.compile(r'^(?:ALERT_)?SOURCE\b[^=]*= "([\w.]+)"', re.MULTILINE)


def raised(severity="high", *, after=timedelta(0), message="No answer.", subject="ads", **more):
    return services.raise_alert(
        "automations", "run_failed", subject, severity, message, now=NOON + after, **more
    )


def resolved(after):
    return services.resolve("automations", "run_failed", "ads", now=NOON + after)


def keys():
    return list(Message.objects.order_by("pk").values_list("event_key", flat=True))


def events():
    return [
        payload["event"]
        for payload in Message.objects.order_by("pk").values_list("payload", flat=True)
    ]


def titles():
    return list(Message.objects.order_by("pk").values_list("title", flat=True))


def test_an_alert_sends_messages_once_and_is_then_counted(listener):
    first = raised(link="/admin/")
    again = raised(after=MINUTE, message="Still no answer.")

    assert again.pk == first.pk
    assert (again.count, again.state, again.message) == (2, "open", "Still no answer.")
    assert (again.first_seen_at, again.last_seen_at) == (NOON, NOON + MINUTE)
    assert keys() == [f"alert:{first.pk}:1:opened:email:{listener.pk}"]
    assert titles() == ["[high] automations: run failed, ads"]


def test_links_begin_with_where_people_reach_the_pages(listener, settings):
    settings.PUBLIC_URL = "https://crown.example.org"
    raised(link="/admin/")
    settings.PUBLIC_URL = ""
    raised(link="/admin/", subject="other")
    known, unknown = Message.objects.order_by("pk")
    assert known.payload["alert"]["link"] == "https://crown.example.org/admin/"
    assert known.payload["alert"]["path"] == unknown.payload["alert"]["path"] == "/admin/"
    assert unknown.payload["alert"]["link"] == ""
    assert "Look at https://crown.example.org/admin/" in known.text
    assert "Look at the page /admin/ (PUBLIC_URL is not set" in unknown.text


def test_a_higher_severity_sends_messages_once_more_and_reopens(listener):
    alert = raised("warning")
    services.acknowledge(alert.pk, actor="ada", now=NOON)
    for severity in ("critical", "critical", "high"):
        alert = raised(severity, after=MINUTE)
    assert (alert.severity, alert.state, alert.count) == ("critical", "open", 4)
    assert titles() == [
        "[warning] automations: run failed, ads",
        "[critical] automations: run failed, ads: now critical",
    ]


def test_destinations_above_this_severity_get_no_message(listener):
    Destination.objects.create(name="off", channel="email", address="b@c.de", is_enabled=False)
    Destination.objects.create(name="digest", channel="email", address="c@c.de", takes_alerts=False)
    raised("info")
    assert keys() == []
    raised("critical")
    assert [each.destination for each in Message.objects.all()] == [listener]


def test_an_unknown_severity_is_refused_and_nothing_stored(db):
    with pytest.raises(ValueError, match="'grave' is not a severity"):
        raised("grave")
    assert not Alert.objects.exists()


def test_secrets_nul_and_endless_texts_are_taken_out(listener):
    alert = raised(message="password=hunter22 \0" + "x" * 5000, subject="s" * 300)
    assert "hunter22" not in alert.message
    assert "\0" not in alert.message
    assert (len(alert.message), len(alert.subject)) == (2000, 200)


def test_resolving_sends_a_message_to_the_same_destinations(listener, hook):
    Destination.objects.create(
        name="late", channel="email", address="late@example.com", least_severity="critical"
    )
    raised()
    done = resolved(MINUTE)
    assert (done.state, done.resolved_at, done.resolved_by) == (
        "resolved", NOON + MINUTE, services.AUTOMATIC,
    )  # fmt: skip
    assert titles() == [
        *["[high] automations: run failed, ads"] * 2,
        *["[high] automations: run failed, ads: resolved"] * 2,
    ]
    assert resolved(MINUTE) is None


def test_resolving_what_is_not_open_does_nothing(listener):
    assert resolved(MINUTE) is None
    assert keys() == []


def test_raised_within_ten_minutes_of_its_end_it_is_opened_again_and_told(listener):
    first = raised()
    resolved(MINUTE)
    again = raised(after=11 * MINUTE)
    assert (again.pk, again.state, again.count) == (first.pk, "open", 2)
    assert (again.resolved_at, again.resolved_by) == (None, "")
    resolved(12 * MINUTE)
    assert events() == ["opened", "resolved", "opened", "resolved"]


def test_one_that_flaps_is_told_as_flapping_and_then_how_it_ended(listener):
    for place in range(10):
        raised(after=2 * place * MINUTE)
        resolved((2 * place + 1) * MINUTE)
    assert events() == ["opened", "resolved", "opened", "resolved", "flapping"]
    services.send_reminders(NOON + 28 * MINUTE)
    assert len(events()) == 5
    services.send_reminders(NOON + 29 * MINUTE)
    services.send_reminders(NOON + 30 * MINUTE)
    assert events()[5:] == ["resolved"]


def test_one_that_flapped_and_was_steady_is_told_once_a_change_again(listener):
    for place in range(3):
        raised(after=2 * place * MINUTE)
        resolved((2 * place + 1) * MINUTE)
    raised(after=6 * MINUTE)
    services.send_reminders(NOON + 16 * MINUTE)
    resolved(17 * MINUTE)
    raised(after=18 * MINUTE)
    services.send_reminders(NOON + 28 * MINUTE)
    assert events()[4:] == ["flapping", "opened", "resolved", "opened"]


def test_one_that_flapped_is_told_as_over_though_nothing_ran_for_hours(listener):
    for minute in (0, 5, 10, 15):
        raised(after=minute * MINUTE)
        resolved((minute + 1) * MINUTE)
    assert titles()[-1].startswith("[high] automations: run failed, ads: opens and ends again")
    services.send_reminders(NOON + 8 * 60 * MINUTE)
    assert titles()[-1] == "[high] automations: run failed, ads: resolved"


def test_one_that_flapped_and_stays_open_is_told_as_open(listener):
    for place in range(3):
        raised(after=2 * place * MINUTE)
        resolved((2 * place + 1) * MINUTE)
    raised(after=6 * MINUTE)
    services.send_reminders(NOON + 16 * MINUTE)
    assert events()[4:] == ["flapping", "opened"]


def test_reopened_under_a_silence_it_is_told_when_that_ends(listener):
    alert = raised()
    resolved(MINUTE)
    services.silence(alert.pk, actor="ada", until=NOON + 5 * MINUTE)
    raised(after=2 * MINUTE)
    assert events() == ["opened", "resolved"]
    services.send_reminders(NOON + 5 * MINUTE)
    assert events()[2:] == ["opened"]


def test_a_destination_that_is_newer_than_the_alert_hears_of_it_when_it_changes(listener, hook):
    hook.is_enabled = False
    hook.save()
    raised()
    Destination.objects.update(is_enabled=True)
    assert services.send_reminders(NOON + MINUTE) == 0
    resolved(2 * MINUTE)
    assert Message.objects.filter(destination=hook).count() == 0
    raised(after=3 * MINUTE)
    assert Message.objects.filter(destination=hook).count() == 1


def test_one_that_was_off_when_it_ended_hears_so_once_it_is_on_again(listener, hook):
    raised()
    Destination.objects.filter(pk=hook.pk).update(is_enabled=False)
    resolved(MINUTE)
    on_again = NOON + DAY
    assert services.send_reminders(on_again) == 0
    on_again -= 5 * 60 * MINUTE  # nothing ran in these hours
    Destination.objects.filter(pk=hook.pk).update(is_enabled=True, switched_on_at=on_again)
    later = NOON + DAY + MINUTE
    assert [services.send_reminders(later) for _ in range(2)] == [1, 0]
    told = Message.objects.filter(destination=hook).order_by("pk")
    assert [each.payload["event"] for each in told] == ["opened", "resolved"]


def test_raised_later_it_is_a_new_alert(listener):
    first = raised()
    resolved(MINUTE)
    again = raised(after=11 * MINUTE + timedelta(seconds=1))
    assert again.pk != first.pk
    assert len(keys()) == 3


def test_a_silence_holds_messages_back_until_it_ends(listener):
    Silence.objects.create(source="auto*", subject="ads", until=NOON + MINUTE)
    alert = raised("warning")
    assert services.send_reminders(NOON) == 0
    assert keys() == []
    assert services.send_reminders(NOON + MINUTE) == 1
    assert services.send_reminders(NOON + MINUTE) == 0
    alert.refresh_from_db()
    assert (alert.notified_at, len(keys())) == (NOON + MINUTE, 1)


def test_a_severity_that_rose_under_a_silence_sends_messages_when_it_ends(listener):
    alert = raised("warning")
    services.silence(alert.pk, actor="ada", note="Known.", until=NOON + 2 * MINUTE)
    raised("high", after=MINUTE)
    assert len(keys()) == 1
    services.send_reminders(NOON + 2 * MINUTE)
    assert keys()[1:] == [f"alert:{alert.pk}:2:escalated:email:{listener.pk}"]


def test_who_heard_of_it_hears_of_its_end_silence_or_not(listener):
    alert = raised()
    services.silence(alert.pk, actor="ada", until=NOON + 2 * MINUTE)
    resolved(MINUTE)
    assert titles()[1:] == ["[high] automations: run failed, ads: resolved"]


def test_what_began_and_ended_under_a_silence_is_not_told(listener):
    Silence.objects.create(source="auto*", until=NOON + 2 * MINUTE)
    raised()
    resolved(MINUTE)
    services.send_reminders(NOON + 3 * MINUTE)
    assert keys() == []


def test_a_silence_of_one_alert_takes_its_words_literally(listener):
    strange = raised(subject="[ads] * ?")
    silence = services.silence(strange.pk, actor="ada", until=NOON + DAY)
    assert silence.matches(strange)
    assert not silence.matches(raised(subject="a x y"))


def test_an_alert_raised_before_there_was_a_destination_is_sent_to_the_first(db, request):
    raised()
    assert services.send_reminders(NOON) == 0
    request.getfixturevalue("listener")
    assert services.send_reminders(NOON + MINUTE) == 1
    assert titles() == ["[high] automations: run failed, ads"]


def test_critical_alerts_are_brought_to_mind_each_day_until_acknowledged(listener):
    alert = raised("critical")
    raised("high", subject="other")
    assert services.send_reminders(NOON + DAY - MINUTE) == 0
    assert services.send_reminders(NOON + DAY) == 1
    assert services.send_reminders(NOON + DAY) == 0
    assert services.send_reminders(NOON + 2 * DAY) == 1
    services.acknowledge(alert.pk, actor="ada", note="On it.", now=NOON + 2 * DAY)
    assert services.send_reminders(NOON + 3 * DAY) == 0
    assert titles().count("[critical] automations: run failed, ads: still open") == 2


def test_a_clock_that_was_ahead_puts_no_reminder_off(listener):
    raised("critical")
    Alert.objects.update(notified_at=NOON + 30 * DAY)
    assert [services.send_reminders(NOON + each * MINUTE) for each in range(2)] == [1, 0]
    assert services.send_reminders(NOON + DAY) == 1


def test_a_reminder_waits_until_a_silence_ends(listener):
    alert = raised("critical")
    services.silence(alert.pk, actor="ada", until=NOON + 2 * DAY)
    assert services.send_reminders(NOON + DAY) == 0
    assert services.send_reminders(NOON + 2 * DAY + MINUTE) == 1
    assert titles()[1:] == ["[critical] automations: run failed, ads: still open"]


def test_a_reminder_that_nobody_takes_is_sent_once_somebody_does(listener):
    raised("critical")
    Destination.objects.update(is_enabled=False)
    assert services.send_reminders(NOON + DAY) == 0
    Destination.objects.update(is_enabled=True)
    assert services.send_reminders(NOON + DAY + MINUTE) == 1
    assert titles()[1:] == ["[critical] automations: run failed, ads: still open"]


def test_tending_leaves_alone_what_changed_since_it_looked(listener):
    critical = raised("critical")
    resolved(MINUTE)
    assert services._remind(critical.pk, NOON + DAY) == 0
    assert services._tell_again(critical.pk, NOON + DAY) == 0


def test_acknowledging_says_who_and_when_and_only_once(listener):
    alert = services.acknowledge(raised().pk, actor="ada", note="On it.", now=NOON + MINUTE)
    assert (alert.state, alert.acknowledged_by, alert.acknowledged_at, alert.note) == (
        "acknowledged", "ada", NOON + MINUTE, "On it.",
    )  # fmt: skip
    with pytest.raises(InvalidTransition, match="acknowledged by ada already"):
        services.acknowledge(alert.pk, actor="eve", now=NOON)


def test_acknowledging_or_closing_what_is_resolved_is_refused(listener):
    alert = services.close(raised().pk, actor="ada", note="Fixed.", now=NOON)
    assert (alert.resolved_by, alert.note) == ("ada", "Fixed.")
    for step in (services.acknowledge, services.close):
        with pytest.raises(InvalidTransition, match="resolved by ada already"):
            step(alert.pk, actor="eve", now=NOON)


def test_an_acknowledged_alert_is_resolved_by_its_source(listener):
    services.acknowledge(raised().pk, actor="ada", note="On it.", now=NOON)
    assert resolved(MINUTE).note == "On it."


def test_the_digest_lists_open_alerts_by_severity_once_a_day(listener):
    Destination.objects.create(
        name="boss", channel="email", address="boss@example.com", takes_alerts=False,
        takes_digest=True,
    )  # fmt: skip
    assert services.send_digest(NOON) == 0
    raised("warning", subject="first")
    services.acknowledge(raised("high", subject="second").pk, actor="ada", now=NOON)
    raised("high", subject="second", after=MINUTE)
    Message.objects.all().delete()

    assert services.send_digest(NOON) == services.send_digest(NOON + MINUTE) == 1
    [message] = Message.objects.all()
    assert message.title == "[AetherCrown] 2 open alerts"
    assert message.text.index("second") < message.text.index("first")
    assert "Seen 2 times, last at 2026-11-20 12:01 UTC." in message.text
    services.send_digest(NOON + DAY)
    assert Message.objects.count() == 2


def test_alerts_that_ended_a_year_ago_are_deleted(listener):
    for subject in ("a", "b", "ads"):
        raised(subject=subject)
    services.resolve("automations", "run_failed", "a", now=NOON)
    services.resolve("automations", "run_failed", "b", now=NOON)
    Silence.objects.create(until=NOON)
    later = NOON + services.RETENTION
    assert services.delete_old_alerts(later) == 0
    assert services.delete_old_alerts(later + MINUTE) == 3
    assert [alert.subject for alert in Alert.objects.all()] == ["ads"]


@pytest.mark.django_db(transaction=True)
def test_raised_by_many_at_once_there_is_one_alert_and_one_message(at_once, listener):
    outcomes = at_once(raised, 6)
    assert all(isinstance(each, Alert) for each in outcomes), outcomes
    alert = Alert.objects.get()
    assert alert.count == 6
    assert len(keys()) == 1


@pytest.mark.django_db(transaction=True)
def test_opened_again_by_many_at_once_it_stays_one(at_once, listener):
    raised()
    resolved(MINUTE)
    at_once(lambda: raised(after=2 * MINUTE), 6)
    assert Alert.objects.get().count == 7


@pytest.mark.django_db(transaction=True)
def test_reminders_by_two_at_once_are_one(at_once, listener):
    raised("critical")
    at_once(lambda: services.send_reminders(NOON + DAY), 3)
    assert Message.objects.filter(title__endswith="still open").count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_alert_raised_before_another_transaction_commits_the_same_counts_there(listener):
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first = raised()
            second = pool.submit(raised_in_thread)
            with pytest.raises(TimeoutError):
                second.result(timeout=0.5)
        again = second.result(timeout=30)
    assert (again.pk, again.count) == (first.pk, 2)
    assert len(keys()) == 1


def raised_in_thread():
    try:
        return raised()
    finally:
        connection.close()


def test_who_takes_critical_alerts_alone_hears_of_one_that_becomes_critical(listener):
    pager = Destination.objects.create(
        name="Pager", channel="webhook", address="https://p.example.com/", least_severity="critical"
    )
    names = ("health", "down", "shop")
    services.raise_alert(*names, "warning", "Slow.", now=NOON)
    services.raise_alert(*names, "critical", "Down.", now=NOON + timedelta(minutes=1))
    heard = Message.objects.order_by("pk").values_list("destination", "payload__event")
    assert list(heard) == [
        (listener.pk, "opened"),
        (listener.pk, "escalated"),
        (pager.pk, "opened"),
    ]


def test_who_was_held_back_by_a_silence_hears_of_an_alert_that_ended_and_opened_meanwhile(listener):
    """All in one instant, as two sources of one round may do it."""
    pager = Destination.objects.create(
        name="Pager", channel="webhook", address="https://p.example.com/", least_severity="critical"
    )
    names = ("health", "down", "shop")
    services.raise_alert(*names, "warning", "Slow.", now=NOON)
    Silence.objects.create(source="health", until=NOON + MINUTE)
    services.raise_alert(*names, "critical", "Down.", now=NOON)
    services.resolve(*names, now=NOON)
    services.raise_alert(*names, "warning", "Slow.", now=NOON)
    services.send_reminders(NOON + 11 * MINUTE)
    assert Message.objects.filter(destination=pager).get().payload["event"] == "opened"


def test_the_document_says_what_the_alerts_of_each_source_are_kept_under():
    root = Path(services.__file__).parents[2]
    apps = ("operations", "security", "revenue", "marketing", "enterprise")
    texts = [path.read_text("utf-8") for app in apps for path in (root / app).rglob("*.py")]
    named = {each for text in texts for each in SOURCE_NAMED.findall(text)}
    page = (root / "docs/alerts.md").read_text("utf-8")
    rows = page.partition("| source |")[2].partition("\n\n")[0].splitlines()[2:]
    assert {row.split("|")[1].strip() for row in rows} == named
