"""Kinds of jobs that do what the test says, and no message to a worker."""

import pytest

from operations.jobs import notify, services
from operations.jobs.registry import JobKind, job_kinds
from tests.aethercrown.registries import isolated
from tests.operations.conftest import NOON

SEEN_WITH = "marketing.view_budgetplan"


@pytest.fixture
def told(monkeypatch):
    """How often a worker was told."""
    heard = []
    monkeypatch.setattr(notify, "announcers", [lambda: heard.append(1)])
    return heard


@pytest.fixture
def kind(told):
    """Register a kind: `kind(perform)`."""
    with isolated(job_kinds):

        def make(perform=lambda context: {"seen": context.input}, name="try", **more):
            return job_kinds.register(
                JobKind(name, name.title(), "optimization", SEEN_WITH, perform, **more)
            )

        yield make


@pytest.fixture
def start(kind):
    """Start a job of the kind `try`, which is registered if it is not yet."""

    def begin(caller="user:1", now=NOON, **given):
        if "try" not in job_kinds:
            kind()
        return services.start("try", given, caller=caller, now=now, subject="a")

    return begin
