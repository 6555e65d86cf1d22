"""Jobs of before migration 0019 named their callers in another way."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps

from operations.jobs.models import Job
from security.access.models import User
from tests.operations.conftest import NOON

pytestmark = pytest.mark.django_db
name_by_account = import_module("operations.migrations.0019_job_callers_by_account").name_by_account


def stored(caller, kind="operations.store_import", **more):
    return Job.objects.create(kind=kind, title="A job", caller=caller, created_at=NOON, **more)


def test_earlier_callers_are_named_by_account():
    vera = User.objects.create_user("vera", date_joined=NOON - timedelta(days=1))
    User.objects.create_user("new", date_joined=NOON + timedelta(days=1))
    digits = User.objects.create_user("41", date_joined=NOON - timedelta(days=1))
    today = stored(f"account:{vera.pk}", caller_slot=0)
    rows = {
        stored("user:vera", caller_slot=0): f"account:{vera.pk}",
        stored("user:new"): "user:new",  # another person had that name then
        stored("user:gone"): "user:gone",
        stored("user:41"): f"account:{digits.pk}",
        stored("user:41", kind="marketing.optimize_budget"): "account:41",
        stored("user:None", kind="marketing.optimize_budget"): "user:None",
        stored("key:7"): "key:7",
        today: today.caller,
    }
    for _ in range(2):
        name_by_account(apps, None)
        assert {job: Job.objects.get(pk=job.pk).caller for job in rows} == rows
    assert Job.objects.get(pk=today.pk).caller_slot == 0
