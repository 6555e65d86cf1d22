"""The pages of jobs: one's own with their progress, one job with its result, and cancelling it."""

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from operations.jobs import services
from operations.jobs.caller import account
from operations.jobs.models import Job
from operations.jobs.registry import JobKind, job_kinds
from security.access.models import User
from tests.aethercrown.registries import isolated

JOBS = "/dashboards/jobs"


@pytest.fixture
def start(viewer):
    """Start a job of a kind that counts to what it is given: `start(caller)`."""
    with isolated(job_kinds):
        page = lambda given: given.get("page", "")  # noqa: E731 - of what it is given
        job_kinds.register(
            JobKind("count", "Count", "revenue", "revenue.view_invoice", count, page=page)
        )

        def begin(caller="", subject="<all>", **given):
            caller = caller or account(viewer)
            now = timezone.now()
            return services.start("count", given, caller=caller, now=now, subject=subject)

        yield begin


def count(context):
    for _ in context.track(range(3), 3, "Counting"):
        if context.input.get("fails"):
            raise ValueError("There is no fourth.")
    return {"counted": ["<3>"] * context.input.get("times", 1)}


def text(answer):
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_person_sees_how_far_each_of_his_jobs_is(page, start, django_assert_max_num_queries):
    assert "You have started no job" in text(page.get(JOBS))
    start()
    Job.objects.update(done=1, total=3, note="Counting")
    start(subject="second")
    start(caller="account:0", subject="of somebody else")
    start(caller="user:vera", subject="of a name")
    with django_assert_max_num_queries(25):
        shown = text(page.get(JOBS))
    assert 'value="1" max="3"' in shown
    assert "1 of 3: Counting" in shown
    assert "Count: &lt;all&gt;" in shown
    assert "second" in shown
    assert "somebody else" not in shown
    assert "of a name" not in shown
    assert 'href="/dashboards/jobs"' in text(page.get("/"))  # in the navigation


def test_a_job_shows_its_result_and_where_what_it_made_is(page, start):
    job = start(page="/dashboards/pricing")
    services.run_next()
    shown = text(page.get(f"{JOBS}/{job.pk}"))
    assert "&lt;3&gt;" in shown
    assert 'href="/dashboards/pricing">Open what it made' in shown
    assert "by vera" in shown
    assert "Cancel this job" not in shown
    long = start(times=9_000)
    services.run_next()
    assert "cut; the API gives it whole" in text(page.get(f"{JOBS}/{long.pk}"))


def test_a_job_that_failed_says_why(page, start):
    job = start(fails=True)
    services.run_next()
    assert "There is no fourth." in text(page.get(f"{JOBS}/{job.pk}"))
    assert "There is no fourth." in text(page.get(JOBS))


def test_who_started_a_job_cancels_it(page, start):
    job = start()
    path = f"{JOBS}/{job.pk}"
    assert "Cancel this job" in text(page.get(path))
    assert "cancelled" in text(page.post(path, follow=True))
    job.refresh_from_db()
    assert (job.state, job.cancelled_by) == ("cancelled", "user:vera")
    done = start()
    services.run_next()
    assert "is done" in text(page.post(f"{JOBS}/{done.pk}", follow=True))


def test_a_running_job_stops_at_its_next_step(page, start):
    job = start()
    Job.objects.update(state="running", slot=0, lease_until=timezone.now())
    assert "It stops at its next step" in text(page.post(f"{JOBS}/{job.pk}", follow=True))
    job.refresh_from_db()
    assert job.is_open


def test_a_job_of_somebody_else_is_seen_but_not_cancelled(page, start):
    job = start(caller="account:0")
    path = f"{JOBS}/{job.pk}"
    assert "Cancel this job" not in text(page.get(path))  # a viewer may see all jobs
    assert "Only who started a job" in text(page.post(path, follow=True))
    job.refresh_from_db()
    assert job.state == "queued"
    assert page.get(f"{JOBS}/0").status_code == 404


def test_a_result_needs_the_permission_of_its_kind(client, start):
    """Who may see jobs, and not invoices, sees no job about invoices, and of his own no result."""
    person = User.objects.create_user("nora")
    for each in ("security.view_pages", "operations.view_job"):
        app, _, codename = each.partition(".")
        found = Permission.objects.get(content_type__app_label=app, codename=codename)
        person.user_permissions.add(found)
    client.force_login(person)
    other = start(caller=account(User.objects.create_user("otto")))
    own = start(caller=account(person))
    services.run_next()
    services.run_next()
    assert client.get(f"{JOBS}/{other.pk}").status_code == 404
    assert client.post(f"{JOBS}/{other.pk}").status_code == 404
    assert "counted" not in text(client.get(f"{JOBS}/{own.pk}"))
    seen = Permission.objects.get(codename="view_invoice")
    person.user_permissions.add(seen)
    assert "counted" in text(client.get(f"{JOBS}/{other.pk}"))
    assert "counted" in text(client.get(f"{JOBS}/{own.pk}"))


def test_without_a_role_nothing_is_seen_even_of_ones_own(client, start):
    person = User.objects.create_user("nobody")
    client.force_login(person)
    job = start(caller=account(person))
    assert client.get(JOBS).status_code == 403
    assert client.get(f"{JOBS}/{job.pk}").status_code == 403
    assert client.post(f"{JOBS}/{job.pk}").status_code == 403


def test_the_page_of_a_kind_that_no_code_knows_opens(page, start):
    job = start()
    services.run_next()
    Job.objects.update(kind="gone.long_ago")
    shown = text(page.get(f"{JOBS}/{job.pk}"))
    assert "Count" in shown
    assert "counted" not in shown  # nobody knows what its result is about
