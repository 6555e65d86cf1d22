from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils import timezone
from django_celery_beat.models import PeriodicTask
from kombu.exceptions import OperationalError

from operations.alerts.models import Alert
from operations.automations import services
from operations.automations.admin import format_time
from operations.automations.models import Automation, Run
from operations.automations.registry import AutomationSpec, RunOutcome, automation_registry
from operations.automations.tasks import run_automation
from operations.decisions.models import Decision
from tests.operations.conftest import NOON
from tests.operations.people import messages_of, staff

LIST = "/admin/operations/automation/"
RUNS = "/admin/operations/run/"
FORM = {
    "when": "at 03:30 on weekdays",
    "zone": "Europe/Berlin",
    "is_enabled": "on",
    "mode": "propose",
    "missed": "once",
    "largest_change_percent": "20",
    "applied_per_day": "100",
    "needs_sure_gain": "on",
    "data_age_hours": "48",
    "needs_no_critical_alert": "on",
}


def page(automation, step=""):
    return f"{LIST}{automation.pk}/change/" if not step else f"{LIST}{automation.pk}/{step}/"


def button(automation, name):
    return reverse(f"admin:operations_automation_{name}", args=[automation.pk])


@pytest.fixture
def bells(monkeypatch):
    """The wake-ups sent to the broker."""
    sent = []
    monkeypatch.setattr(run_automation, "apply_async", lambda **message: sent.append(message))
    return sent


# --- Schedules ----------------------------------------------------------------------------------
def test_a_schedule_is_changed_in_words_and_stands_where_beat_reads_it(automation, admin_client):
    ads = automation()
    reply = admin_client.post(page(ads), FORM, follow=True)
    assert reply.status_code == 200
    ads.refresh_from_db()
    assert (ads.task.crontab.hour, ads.task.crontab.minute) == ("3", "30")
    assert str(ads.task.crontab.timezone) == ads.zone == "Europe/Berlin"
    said = messages_of(reply)[0]
    assert said.startswith("It runs at 03:30 on weekdays. Next runs: ")
    assert said.count("03:30 CE") == 3
    assert LogEntry.objects.get().get_change_message() == (
        "Changed When from every hour to at 03:30 on weekdays and"
        " Time zone from UTC to Europe/Berlin."
    )


def test_times_have_seconds_only_where_they_are_not_zero():
    assert format_time(NOON) == "Fri 20 Nov 2026, 12:00 UTC"
    assert format_time(NOON + timedelta(seconds=5)) == "Fri 20 Nov 2026, 12:00:05 UTC"


def test_the_form_shows_the_schedule_in_the_words_it_takes_back(automation, admin_client):
    ads = automation(every=timedelta(minutes=90))
    shown = admin_client.get(page(ads))
    assert 'value="every 90 minutes"' in shown.content.decode()
    form = shown.context["adminform"].form
    assert form.initial["when"] == "every 90 minutes"


@pytest.mark.parametrize(
    ("field", "text", "why"),
    [
        ("when", "whenever", "is not a schedule. Write for example"),
        ("when", "every 0 minutes", "is not a whole number from 1"),
        ("when", "at 25:00", "they go from 00:00 to 23:59"),
        ("when", "", "This field is required"),
        ("zone", "Europe/Atlantis", "Europe/Atlantis is not one of the available choices"),
        ("largest_change_percent", "-1", "greater than or equal to 0"),
        ("mode", "reckless", "reckless is not one of the available choices"),
    ],
)
def test_bad_input_says_what_is_wrong_and_changes_nothing(
    automation, admin_client, field, text, why
):
    ads = automation()
    reply = admin_client.post(page(ads), {**FORM, field: text})
    assert reply.status_code == 200
    assert why in str(reply.context["adminform"].form.errors[field])
    ads.refresh_from_db()
    assert (ads.task.interval.every, ads.zone) == (1, "UTC")


def test_an_automation_without_a_schedule_can_be_given_one(automation, admin_client):
    automation()
    automation_registry.register(AutomationSpec("churn", "Predict churn", lambda _: RunOutcome("")))
    choices = admin_client.get(f"{LIST}add/").context["adminform"].form.fields["name"].choices
    assert list(choices) == [("churn", "Predict churn (churn)")]
    admin_client.post(f"{LIST}add/", {**FORM, "name": "churn"})
    made = Automation.objects.get(name="churn")
    assert (made.title, made.task.task) == ("Predict churn", "operations.run_automation")


def test_one_that_is_switched_off_has_no_next_run(automation, admin_client):
    ads = automation()
    off = {name: text for name, text in FORM.items() if name != "is_enabled"}
    reply = admin_client.post(page(ads), off, follow=True)
    assert messages_of(reply)[0] == "It is off: no next run."
    assert not PeriodicTask.objects.get(name="ads").enabled
    assert "none while it is off" in admin_client.get(page(ads)).content.decode()
    assert "Ads" in admin_client.get(LIST).content.decode()


def test_the_list_says_when_each_runs_and_how_it_went(automation, admin_client):
    ads = automation()
    automation("churn", at="03:00")
    run = services.run_planned("ads", NOON, trigger="manual", clock=lambda: NOON)
    shown = admin_client.get(LIST).content.decode()
    assert "every hour" in shown
    assert "at 03:00" in shown
    assert "done, Fri 20 Nov 2026, 12:00 UTC" in shown
    assert "Looked at ads." in admin_client.get(page(ads)).content.decode()
    assert run.state == "done"


def test_an_automation_is_never_deleted(automation, admin_client):
    assert admin_client.post(f"{LIST}{automation().pk}/delete/").status_code == 403


def test_beat_s_own_screens_are_gone():
    assert not [each for each in admin.site._registry if each._meta.app_label.endswith("beat")]


def test_a_viewer_changes_nothing(automation, client):
    ads = automation()
    staff(client, "operations.view_automation")
    assert client.get(page(ads)).status_code == 200
    assert client.post(page(ads), FORM).status_code == 403


# --- By hand ------------------------------------------------------------------------------------
def test_run_now_asks_first_and_then_orders_a_run(
    automation, admin_client, bells, django_capture_on_commit_callbacks
):
    ads = automation()
    asked = admin_client.get(button(ads, "run_now"))
    assert "Run “Ads” now, in mode propose?" in asked.content.decode()
    assert not Run.objects.exists()
    with django_capture_on_commit_callbacks(execute=True):
        reply = admin_client.post(button(ads, "run_now"))
    run = Run.objects.get()
    assert reply.url == f"{RUNS}{run.pk}/change/"
    assert (run.state, run.trigger) == ("queued", "manual")
    assert bells == [{"kwargs": {"automation": "ads"}, "queue": "default", "expires": 300}]


def test_run_now_without_a_broker_says_that_it_waits(
    automation, admin_client, monkeypatch, django_capture_on_commit_callbacks
):
    def no_broker(**_message):
        raise OperationalError("refused")

    monkeypatch.setattr(run_automation, "apply_async", no_broker)
    ads = automation()
    with django_capture_on_commit_callbacks(execute=True):
        admin_client.post(button(ads, "run_now"))
    assert Run.objects.get().state == "queued"
    assert services.recover_runs(timezone.now()) == [("ads", "default")]


def test_run_now_is_refused_while_the_switch_is_off(automation, admin_client, settings):
    settings.AUTOMATION_ENABLED = False
    reply = admin_client.post(button(automation(), "run_now"), follow=True)
    assert messages_of(reply) == ["AUTOMATION_ENABLED is False: nothing runs until it is True."]
    assert not Run.objects.exists()


def test_a_dry_run_shows_what_would_be_done_and_keeps_nothing(automation, admin_client, contexts):
    ads = automation()
    assert admin_client.get(button(ads, "dry_run")).status_code == 200
    assert contexts == []
    shown = admin_client.post(button(ads, "dry_run")).content.decode()
    assert "Looked at ads." in shown
    assert "<dt" in shown
    assert contexts[0].dry_run
    assert not Run.objects.exists()


@pytest.mark.parametrize("name", ["run_now", "dry_run"])
def test_running_by_hand_needs_an_operator(automation, client, name):
    ads = automation()
    staff(client, "operations.view_automation")
    assert client.post(button(ads, name)).status_code == 403


def test_an_operator_who_may_not_see_automations_runs_none(automation, client):
    ads = automation()
    staff(client, "security.operate")
    assert client.post(button(ads, "run_now")).status_code == 403


def test_an_unknown_automation_is_not_found(admin_client):
    assert admin_client.post(f"{LIST}4711/run-now/").status_code == 404


# --- Runs ---------------------------------------------------------------------------------------
def test_the_runs_stand_in_a_list_with_their_outcome(automation, admin_client):
    def failing(_context):
        raise ValueError("no rows, password=hunter2secret")

    automation()
    automation("churn", perform=failing)
    for name in ("ads", "churn"):
        services.run_planned(name, NOON, trigger="manual", clock=lambda: NOON)
    services.enqueue_due_runs("ads", NOON + 3 * timedelta(hours=1))
    shown = admin_client.get(RUNS).content.decode()
    assert "Looked at ads." in shown
    assert "ValueError: no rows" in shown
    assert "missed" in shown
    assert "0 s" in shown
    for run in Run.objects.all():
        detail = admin_client.get(f"{RUNS}{run.pk}/change/")
        assert detail.status_code == 200
        assert "hunter2secret" not in detail.content.decode()


def test_the_page_of_a_run_says_what_it_found_and_looks_again_until_the_end(
    automation, admin_client
):
    automation()
    waiting = services.enqueue_manual_run("ads", NOON)
    address = f"{RUNS}{waiting.pk}/change/"
    reply = admin_client.get(address)
    assert reply.headers["Refresh"] == "3"
    assert admin_client.get(f"{RUNS}abc/change/").status_code == 302
    assert "Not before" in reply.content.decode()
    services.run_due("ads", clock=lambda: NOON)
    reply = admin_client.get(address)
    assert "Refresh" not in reply.headers
    shown = reply.content.decode()
    assert "Seen: 1" in shown
    assert "Not before" not in shown
    services.enqueue_due_runs("ads", NOON + 3 * timedelta(hours=1))
    skipped = Run.objects.filter(state="skipped").latest("planned_for")
    assert "Why it was skipped" in admin_client.get(f"{RUNS}{skipped.pk}/change/").content.decode()
    assert admin_client.get(f"{RUNS}nobody/change/").status_code == 302


def test_a_decision_that_was_there_before_stands_on_the_page_of_the_run_that_found_it(
    automation, admin_client
):
    automation()
    found = Decision.objects.create(
        automation="ads", kind="setting", subject="hall", title="Hall to 20 degrees",
        mode="propose", before={}, after={}, inputs_digest="0" * 64, method="none", expected={},
        proposed_at=NOON,
    )  # fmt: skip
    services.run_planned("ads", NOON, trigger="manual", clock=lambda: NOON)
    address = f"{RUNS}{Run.objects.get().pk}/change/"
    assert "Hall to 20 degrees" not in admin_client.get(address).content.decode()
    Run.objects.update(result={"decisions": [found.pk]})
    shown = admin_client.get(address).content.decode()
    assert f"/admin/operations/decision/{found.pk}/change/" in shown


def test_a_run_is_neither_made_changed_nor_deleted_by_hand(automation, admin_client):
    automation()
    services.run_planned("ads", NOON, clock=lambda: NOON)
    run = Run.objects.get()
    assert admin_client.get(f"{RUNS}add/").status_code == 403
    assert admin_client.post(f"{RUNS}{run.pk}/change/", {"state": "queued"}).status_code == 403
    assert admin_client.post(f"{RUNS}{run.pk}/delete/").status_code == 403


# --- Trust ----------------------------------------------------------------------------------------
OPERATOR = ("operations.view_automation", "operations.change_automation", "security.operate")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"mode": "auto"}, "mode"),
        ({"largest_change_percent": "90"}, "largest_change_percent"),
        ({"needs_no_critical_alert": ""}, "needs_no_critical_alert"),
        ({"quiet_from": "08:00", "quiet_until": "09:00"}, "quiet_until"),
    ],
)
def test_only_an_approver_lets_an_automation_act_or_widens_its_limits(
    automation, client, changed, field
):
    ads = automation()
    staff(client, *OPERATOR)
    reply = client.post(page(ads), {**FORM, **changed})
    assert reply.context["adminform"].form.errors[field] == ["Only an approver may change this."]
    assert client.post(page(ads), {**FORM, "mode": "observe"}).status_code == 302
    client.logout()
    get_user_model().objects.all().delete()
    staff(client, *OPERATOR, "security.approve_decisions")
    assert client.post(page(ads), {**FORM, **changed}).status_code == 302


def test_quiet_hours_have_a_beginning_and_an_end(automation, admin_client):
    reply = admin_client.post(page(automation()), {**FORM, "quiet_from": "08:00"})
    assert reply.context["adminform"].form.errors["quiet_until"] == [
        "Quiet hours need both a beginning and an end."
    ]


def test_staff_trust_anew_what_was_taken_out_of_auto(automation, admin_client):
    ads = automation()
    admin_client.post(page(ads), {**FORM, "mode": "auto"})
    ads.refresh_from_db()
    trusted = ads.auto_enabled_at
    assert trusted is not None
    assert services.disable_auto("ads", "plan: 3 of 20.", timezone.now())
    assert not services.disable_auto("ads", "plan: 3 of 20.", timezone.now())
    shown = admin_client.get(page(ads)).content.decode()
    assert "plan: 3 of 20." in shown
    alert = Alert.objects.get()
    assert (alert.kind, alert.state) == ("auto_disabled", "open")

    admin_client.post(page(ads), {**FORM, "mode": "auto"})
    ads.refresh_from_db()
    alert.refresh_from_db()
    assert (ads.mode, alert.state) == ("auto", "resolved")
    assert ads.auto_enabled_at > trusted
