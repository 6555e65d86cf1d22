"""Staff see jobs and cancel them in the admin."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from operations.jobs import services
from operations.jobs.admin import MAX_RESULT_CHARACTERS, JobAdmin
from operations.jobs.models import Job
from security.access.models import User
from tests.operations.conftest import NOON
from tests.operations.jobs.conftest import SEEN_WITH

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


def test_staff_see_jobs_of_the_kinds_that_they_may_see(start, client, admin_client):
    job = start(word="secret price")
    services.run_next(clock=lambda: NOON)
    person = User.objects.create_user("nora", is_staff=True)
    granted = ["view_job", "operate"]
    person.user_permissions.set(Permission.objects.filter(codename__in=granted))
    client.force_login(person)
    page = reverse("admin:operations_job_change", args=[job.pk])
    cancel = reverse("admin:operations_job_cancel_one", args=[job.pk])
    assert client.get(page).status_code == 302  # to the first page: it does not exist
    assert client.post(cancel).status_code == 404
    assert client.get(LIST).context["cl"].result_count == 0
    assert client.get(f"{LIST}?q=a").context["cl"].result_count == 0
    app, _, codename = SEEN_WITH.partition(".")
    person.user_permissions.add(
        Permission.objects.get(content_type__app_label=app, codename=codename)
    )
    assert "secret price" in client.get(page).content.decode()
    assert client.get(LIST).context["cl"].result_count == 1
    Job.objects.update(kind="gone.long_ago")
    assert client.get(page).status_code == 302
    assert "secret price" in admin_client.get(page).content.decode()  # a superuser's


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
