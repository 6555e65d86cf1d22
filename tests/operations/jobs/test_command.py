"""Jobs on the command line."""

import io

import pytest
from django.core.management import CommandError, call_command

from operations.jobs import services
from operations.jobs.models import Job

pytestmark = pytest.mark.django_db


def run(*arguments, **options):
    out = io.StringIO()
    call_command("jobs", *arguments, stdout=out, **options)
    return out.getvalue()


def test_open_jobs_are_listed_and_on_request_the_others(start):
    assert run() == "No open job.\n"
    assert run("--all") == "No job.\n"
    job = start()
    assert run() == f"{job.pk}  Try a: queued\n"
    services.run_next()
    assert run() == "No open job.\n"
    assert run("--all") == f"{job.pk}  Try a: done, 100%\n"


def test_one_job_is_shown_and_cancelled(start):
    job = start()
    assert "queued" in run(str(job.pk))
    assert "cancelled" in run(str(job.pk), "--cancel")
    with pytest.raises(CommandError, match="is cancelled"):
        run(str(job.pk), "--wait")


def test_a_job_is_followed_to_its_end(start, monkeypatch):
    job = start()
    monkeypatch.setattr("time.sleep", lambda _seconds: services.run_next())
    assert run(str(job.pk), "--wait").splitlines()[-1].endswith(": done, 100%")


def test_a_failed_one_says_why(start, kind):
    kind(lambda context: context.input["absent"])
    job = start()
    services.run_next()
    assert run(str(job.pk)).endswith("failed, KeyError: 'absent'\n")


def test_mistakes_are_sentences(start):
    with pytest.raises(CommandError, match="Name the job"):
        run("--wait")
    with pytest.raises(CommandError, match="does not exist"):
        run("999")
    job = start()
    services.run_next()
    with pytest.raises(CommandError, match="is done"):
        run(str(job.pk), "--cancel")
    assert Job.objects.count() == 1
