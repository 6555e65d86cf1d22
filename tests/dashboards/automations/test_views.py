"""The page of the automations."""

import csv
from datetime import timedelta

import pytest
from django.utils import timezone

from dashboards.automations.views import took_text
from operations.automations.models import Automation, Run
from security.access.models import User

PAGE = "/dashboards/automations"


@pytest.fixture
def runs(db):
    """Thirty runs of one automation: the newest failed, the one before was skipped."""
    automation = Automation.objects.order_by("pk")[0]
    now = timezone.now()
    for at in range(30):
        planned = now - timedelta(hours=at + 1)
        Run.objects.create(
            automation=automation,
            planned_for=planned,
            not_before=planned,
            state=("failed", "skipped", "done")[min(at, 2)],
            reason="Overtaken." if at == 1 else "",
            error="Traceback\nValueError: no rows" if at == 0 else "",
            summary="Proposed nothing." if at > 1 else "",
            started_at=planned,
            ended_at=planned + timedelta(seconds=90),
            attempt=1,
        )
    return automation


def rows(answer):
    return list(csv.reader(b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()))


def test_each_automation_has_its_schedule_last_and_next_run(page, runs):
    header, *lines = rows(page.get(f"{PAGE}?format=csv&table=automations"))
    assert header[:5] == ["Automation", "When", "Time zone", "On", "Mode"]
    assert len(lines) == Automation.objects.count()
    of = next(each for each in lines if each[0] == runs.title)
    assert (of[3], of[5]) == ("yes", "failed")
    assert of[7] > timezone.now().isoformat()


def test_the_runs_of_the_period_are_listed_with_their_outcome(page, runs):
    text = page.get(PAGE).content.decode()
    assert "1 to 25 of 30" in text
    assert "ValueError: no rows" in text
    assert "1 min 30 s" in text
    assert "/admin/" not in text.split("<main")[1]
    listed = rows(page.get(f"{PAGE}?format=csv&table=runs&runs.state=skipped"))[1:]
    assert [each[6] for each in listed] == ["Overtaken."]
    days = rows(page.get(f"{PAGE}?format=csv&table=days&period=7d"))[1:]
    assert len(days) == 7
    assert sum(int(each[1]) for each in days) == 28
    assert sum(int(each[2]) + int(each[3]) for each in days) == 2


def test_the_tiles_count_runs_and_tell_why_nothing_is_known(page, runs):
    text = page.get(PAGE).content.decode()
    assert "Runs that succeed" in text
    assert "96.6%" in text  # 28 of 29
    Run.objects.all().delete()
    text = page.get(PAGE).content.decode()
    assert "No run ended in the period" in text
    assert "No run in this period" in text
    assert "./manage.py run_automation" in text


def test_staff_reach_the_records(client, runs):
    client.force_login(User.objects.create_superuser("root", password=None))
    text = client.get(PAGE).content.decode()
    assert "/admin/operations/run/" in text


def test_what_is_wrong_with_the_address_is_said(page, runs):
    answer = page.get(f"{PAGE}?from=2026-03-02&to=2026-03-01&runs.sort=x")
    assert answer.status_code == 400
    assert "before it starts" in answer.content.decode()
    assert "no column" in answer.content.decode()


def test_a_stranger_is_sent_to_sign_in_and_the_page_costs_few_queries(
    client, page, runs, django_assert_max_num_queries
):
    assert client.get(PAGE).status_code == 302
    with django_assert_max_num_queries(25):
        page.get(PAGE)


def test_a_wrong_page_of_few_runs_is_said_too(page, runs):
    answer = page.get(f"{PAGE}?runs.page=x&runs.state=skipped")
    assert answer.status_code == 400
    assert "page is a number from 1" in answer.content.decode()


@pytest.mark.parametrize("wrong", ["from=2026-03-02&to=2026-03-01", "runs.state=none"])
def test_a_wrong_address_has_no_csv_of_something_else(page, runs, wrong):
    assert page.get(f"{PAGE}?format=csv&table=runs&{wrong}").status_code == 400


def test_a_run_without_a_measurable_length_took_no_time():
    assert took_text(timedelta()) == "0 s"
    assert took_text(None) is None


def test_a_period_of_many_years_is_refused(page, runs):
    answer = page.get(f"{PAGE}?from=2000-01-01&to={timezone.now().date()}")
    assert answer.status_code == 400
    assert "at most 731 days" in answer.content.decode()


def test_a_share_of_runs_of_which_some_were_deleted_is_not_known(page, runs):
    first = timezone.now().date() - timedelta(days=91)
    text = page.get(f"{PAGE}?from={first}&to={timezone.now().date()}").content.decode()
    assert "Runs are kept 90 days" in text
    assert "96.6%" not in text
    assert page.get(f"{PAGE}?period=90d").content.decode().count("no earlier value") == 2
