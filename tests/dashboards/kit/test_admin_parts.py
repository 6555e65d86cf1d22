"""The parts of the kit where people act: confirm step, undo notice, progress of a job."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from operations.decisions.models import Decision
from operations.jobs.models import Job
from security.access.models import User
from tests.dashboards import company


@pytest.fixture
def root(db) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def test_the_confirm_step_repeats_amounts_and_failed_guardrails_and_undo_takes_it_back(root):
    company.channels(weeks=30)
    plan = company.waiting()
    decision = plan.decision
    path = f"/admin/operations/decision/{decision.pk}"
    approve = reverse("admin:operations_decision_approve", args=[decision.pk])
    undo = reverse("admin:operations_decision_roll_back", args=[decision.pk])
    asked = root.get(approve).content.decode()
    assert "Expected" in asked
    failed = [each["name"] for each in decision.guardrails if not each["passed"]]
    assert ("Guardrails that failed:" in asked) == bool(failed)
    assert "Search" in asked
    assert "00000" not in asked
    form = f'action="{undo}" class="message undo"'
    assert form not in root.get(f"{path}/change/").content.decode()
    root.post(approve, {"note": ""})
    assert form in root.get(f"{path}/change/").content.decode()
    root.post(undo)
    assert Decision.objects.get(pk=decision.pk).status == "rolled_back"
    assert form not in root.get(f"{path}/change/").content.decode()


def test_the_page_of_a_job_asks_again_until_it_is_over(root):
    job = Job.objects.create(
        kind="import", title="Import", caller="user:1", done=40, total=100, note="reading"
    )
    path = f"/admin/operations/job/{job.pk}/change/"
    text = root.get(path).content.decode()
    assert f'hx-get="{path}"' in text
    assert '<progress value="40" max="100"' in text
    assert "40 of 100: reading" in text
    Job.objects.filter(pk=job.pk).update(state="done", ended_at=timezone.now(), done=100)
    assert "hx-get" not in root.get(path).content.decode()
