"""Staff see jobs and cancel them in the admin."""

import pytest
from django.urls import reverse

from operations.jobs import services
from operations.jobs.admin import MAX_RESULT_CHARACTERS, JobAdmin
from operations.jobs.models import Job
from tests.operations.conftest import NOON

pytestmark = pytest.mark.django_db
LIST = reverse("admin:operations_job_changelist")


def test_staff_cancel_a_job_by_its_button(start, admin_client):
    job = start()
    page = reverse("admin:operations_job_change", args=[job.pk])
    assert "Cancel" in admin_client.get(page).content.decode()
    path = reverse("admin:operations_job_cancel_one", args=[job.pk])
    assert "stops at its next step" in admin_client.get(path).content.decode()
    assert Job.objects.get().state == "queued"
    assert admin_client.post(path).status_code == 302
    assert Job.objects.get().state == "cancelled"


def test_the_action_on_the_list_cancels_each_and_says_which_it_could_not(start, admin_client):
    start()
    services.run_next()
    start()
    rows = [str(each.pk) for each in Job.objects.all()]
    chosen = {"action": "cancel_selected", "_selected_action": rows}
    answer = admin_client.post(LIST, chosen, follow=True)
    assert "is done" in answer.content.decode()
    assert {*Job.objects.values_list("state", flat=True)} == {"done", "cancelled"}


def test_progress_and_result_are_shown(start, admin_client):
    start(word="<b>")
    services.run_next(clock=lambda: NOON)
    page = admin_client.get(reverse("admin:operations_job_change", args=[Job.objects.get().pk]))
    assert "&lt;b&gt;" in page.content.decode()
    shown = JobAdmin(Job, None)
    assert shown.progress(Job(done=3, total=10, note="Fitting")) == "3 of 10 (30%): Fitting"
    assert shown.progress(Job(done=3)) == "3"
    assert shown.progress(Job()) == "-"
    assert shown.progress(Job(state="done")) == "100%"
    assert shown.shown_result(Job()) == "-"
    assert "cut" in shown.shown_result(Job(result="x" * MAX_RESULT_CHARACTERS))
