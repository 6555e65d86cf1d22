"""Any order of messages, losses, kills, failures and sweeps leaves the ledger true."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import Count
from django.db.models.functions import Now
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from operations.automations import reports, run_rules, services
from operations.automations.models import Automation, Run
from operations.automations.registry import RunOutcome
from operations.automations.services import execute
from tests.operations.conftest import NOON

STEPS = settings(
    max_examples=10,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


class Ledger(RuleBasedStateMachine):
    """One hourly automation whose effect is noted under its run's id."""

    effects: list[int]

    @initialize(missed=st.sampled_from(["skip", "once", "all"]))
    def begin(self, missed):
        self.now = NOON
        self.failing = False
        self.effects = []
        Run.objects.all().delete()
        Automation.objects.update(missed=missed)

    def perform(self, context):
        if self.failing:
            raise OSError("outside")
        self.effects.append(context.run_id)
        return RunOutcome("Done.")

    @rule(minutes=st.integers(0, 200))
    def time_passes(self, minutes):
        self.now += timedelta(minutes=minutes)

    @rule(times=st.integers(1, 3))
    def a_message_arrives_once_or_more(self, times):
        for _ in range(times):
            services.run_due("ads", clock=lambda: self.now)

    @rule()
    def a_worker_dies_before_its_effect(self):
        services.enqueue_due_runs("ads", self.now)
        for run in Run.objects.filter(state=Run.State.QUEUED, not_before__lte=self.now)[:1]:
            if execute.claim(run.pk, "doomed", self.now):
                Run.objects.filter(pk=run.pk).update(lease_until=Now() - timedelta(minutes=1))

    @rule()
    def the_recovery_task_runs(self):
        services.recover_runs(self.now)

    @rule(failing=st.booleans())
    def the_outside_fails_or_mends(self, failing):
        self.failing = failing

    @rule()
    def a_done_run_is_delivered_again(self):
        for run in Run.objects.filter(state=Run.State.DONE)[:1]:
            assert execute.attempt(run.pk, clock=lambda: self.now) is None

    @invariant()
    def each_done_run_had_its_effect_once(self):
        done = Run.objects.filter(state=Run.State.DONE).values_list("pk", flat=True)
        assert sorted(self.effects) == sorted(done)

    @invariant()
    def nothing_is_planned_twice_or_tried_too_often(self):
        twice = Run.objects.order_by().values("planned_for").annotate(rows=Count("pk"))
        assert not twice.filter(rows__gt=1).exists()
        assert not Run.objects.filter(attempt__gt=run_rules.MAX_ATTEMPTS).exists()

    @invariant()
    def at_most_one_holds_a_lease(self):
        running = Run.objects.filter(state=Run.State.RUNNING, lease_until__gte=Now())
        assert running.count() <= 1

    @invariant()
    def nothing_runs_before_its_time(self):
        early = self.now + timedelta(seconds=5)
        assert not Run.objects.filter(planned_for__gt=early).exists()

    def teardown(self):
        """Once the outside mends, everything that is open ends."""
        if not hasattr(self, "now"):
            return
        self.failing = False
        for _ in range(2 * Run.objects.count() + 2):
            self.now += timedelta(seconds=121)
            services.recover_runs(self.now)
            services.run_due("ads", clock=lambda: self.now)
        assert not Run.objects.filter(state__in=reports.OPEN_STATES).exists()


@pytest.mark.django_db
def test_any_order_of_events_leaves_the_ledger_true(automation):
    machine: list[Ledger] = []

    class Bound(Ledger):
        def __init__(self):
            super().__init__()
            machine[:] = [self]

    def perform(context):
        return machine[0].perform(context)

    automation(perform=perform)
    with transaction.atomic():
        run_state_machine_as_test(Bound, settings=STEPS)
