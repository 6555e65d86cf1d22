"""The page of one automation."""

from datetime import time, timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from aethercrown.history.attribution import acting
from operations.automations.models import Automation, Run
from operations.automations.tasks import run_automation
from security.access.models import User
from security.access.roles import OPERATOR


@pytest.fixture
def row(db):
    return Automation.objects.get(name="marketing.optimize_budget")


@pytest.fixture
def sent(monkeypatch):
    """What the broker is sent; it answers."""
    found = []
    monkeypatch.setattr(run_automation, "apply_async", lambda **message: found.append(message))
    return found


def path(row):
    return f"/dashboards/automations/{row.pk}"


def test_it_says_how_it_is_set_how_it_ran_and_who_changed_it(page, row):
    with acting("user:bob"):
        row.zone, row.quiet_from, row.quiet_until = "Europe/Berlin", time(22), time(6)
        row.auto_disabled_at, row.auto_disabled_reason = timezone.now(), "Revenue fell."
        row.save()
    planned = timezone.now() - timedelta(hours=1)
    for state, ended in (("done", planned + timedelta(seconds=90)), ("queued", None)):
        Run.objects.create(
            automation=row, planned_for=planned, not_before=planned, state=state, attempt=1,
            started_at=ended and planned, ended_at=ended, summary="Proposed." if ended else "",
        )  # fmt: skip
        planned += timedelta(minutes=1)
    text = page.get(path(row)).content.decode()
    for words in (
        *("Europe/Berlin", "22:00 to 06:00", "No limit", "20.0%", "1 min 30 s", "Proposed."),
        *("Not yet", "Revenue fell.", "bob", "Whole history", "Propose: a person approves"),
    ):
        assert words in text or words.lower() in text, words
    assert "Run now" not in text
    assert "/admin/" not in text.split("<main")[1]


def test_an_operator_runs_it_now_and_is_told_when_it_is_off(
    client, row, sent, settings, django_capture_on_commit_callbacks
):
    operator = User.objects.create_user("olga", is_staff=True)
    operator.groups.add(Group.objects.get(name=OPERATOR))
    client.force_login(operator)
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(path(row), follow=True)
    assert "runs as soon as a worker is free" in answer.content.decode()
    assert [each["kwargs"] for each in sent] == [{"automation": row.name}]
    assert row.runs.get().trigger == "manual"
    Automation.objects.filter(pk=row.pk).update(is_enabled=False)
    assert "None while it is off" in client.get(path(row)).content.decode()
    settings.AUTOMATION_ENABLED = False
    assert "nothing runs until" in client.post(path(row), follow=True).content.decode()
    assert row.runs.count() == 1
    assert "/change/" in client.get(path(row)).content.decode()


def test_strangers_viewers_and_unknown_numbers_are_refused(client, page, row):
    assert client.get(path(row)).status_code == 302
    assert page.post(path(row)).status_code == 403
    assert page.get("/dashboards/automations/99999").status_code == 404


def test_one_that_is_no_longer_in_the_code_is_shown(page, row):
    Automation.objects.filter(pk=row.pk).update(name="gone.away")
    assert row.title in page.get(path(row)).content.decode()
