"""Whatever happens to an alert, the last word that a destination heard becomes the truth."""

from collections import defaultdict
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from aethercrown.severity import rank
from operations.alerts import last_word, services
from operations.alerts.models import Alert, Silence
from operations.messaging import services as messaging
from operations.messaging.models import Destination, Message
from operations.messaging.services import DeliveryFailed
from tests.operations.conftest import NOON

STEPS = settings(
    max_examples=15,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
NAMES = ("health", "down", "shop")
URL = "https://hooks.slack.com/services/token"


class AlertHistory(RuleBasedStateMachine):
    """One subject, a destination of warnings and one of critical alerts, and a clock."""

    @initialize()
    def begin(self):
        self.now, self.arrived = NOON, defaultdict(list)
        for model in (Message, Alert, Silence):
            model.objects.all().delete()
        Destination.objects.get_or_create(
            name="Pager",
            defaults={"channel": "slack", "address": URL, "least_severity": "critical"},
        )

    @rule(seconds=st.integers(1, 1500))
    def time_passes(self, seconds):
        self.now += timedelta(seconds=seconds)

    @rule(severity=st.sampled_from(["warning", "high", "critical"]))
    def it_is_raised(self, severity):
        services.raise_alert(*NAMES, severity, "No answer.", now=self.now)

    @rule()
    def it_ends(self):
        services.resolve(*NAMES, now=self.now)

    @rule()
    def a_person_takes_it_on(self):
        for alert in Alert.objects.filter(state="open"):
            services.acknowledge(alert.pk, actor="user:ada", now=self.now)

    @rule()
    def a_person_resolves_it(self):
        for alert in Alert.objects.exclude(state="resolved"):
            services.close(alert.pk, actor="user:ada", now=self.now)

    @rule(minutes=st.integers(1, 30))
    def it_is_silenced(self, minutes):
        Silence.objects.create(source="health", until=self.now + timedelta(minutes=minutes))

    @rule()
    def the_minute_passes(self):
        services.send_reminders(self.now)

    @rule(fails=st.lists(st.booleans(), max_size=6))
    def messages_are_sent(self, fails):
        self.deliver(self.now, list(fails))

    def deliver(self, now, fails=()):
        """Send what is due; where a failure is drawn, it is tried again later."""
        waiting = list(fails)

        def send(message, _now):
            if waiting and waiting.pop():
                raise DeliveryFailed("busy")
            self.arrived[message.destination_id].append(message.event_key)

        messaging.deliver_due(clock=lambda: now, send=send, random=lambda: 0.5)

    @rule()
    def it_becomes_quiet(self):
        """Silences end, nothing changes for ten minutes, and the minute's task runs."""
        open_until = Silence.objects.order_by("-until").values_list("until", flat=True).first()
        self.now = max(self.now + services.REOPEN_WITHIN, open_until or self.now)
        services.send_reminders(self.now)
        self.deliver(self.now + timedelta(days=1))
        for alert in Alert.objects.all():
            self.check(alert)

    def check(self, alert):
        for destination in Destination.objects.all():
            mine = Message.objects.filter(event_key__startswith=f"alert:{alert.pk}:")
            heard = list(mine.filter(destination=destination).order_by("pk"))
            self.check_heard(alert, destination, [each.payload for each in heard])
            about = f"alert:{alert.pk}:"
            arrived = [each for each in self.arrived[destination.pk] if each.startswith(about)]
            assert arrived[-1:] == [each.event_key for each in heard[-1:]]

    def check_heard(self, alert, destination, payloads):
        heard = [(each["event"], each["alert"]["severity"]) for each in payloads]
        last, severity = heard[-1] if heard else ("", "")
        if alert.state == "resolved":
            assert last in {"", "resolved"}
        elif rank(alert.severity) >= rank(destination.least_severity):
            assert last in last_word.OPEN_WORDS
            assert rank(severity) == rank(alert.severity)
        else:
            assert not heard
        said = [event for event, _ in heard if event not in {"reminder", "escalated"}]
        assert all(one != other for one, other in pairwise(said))
        reminders = sum(event == "reminder" for event, _ in heard)
        flaps = said.count("flapping")  # each is followed by one word of how it went on
        assert len(heard) <= alert.transition + reminders + flaps + 1
        assert said.count("opened") >= last_word.MAX_OPENINGS * (flaps > 0) + flaps - 1


@pytest.mark.django_db
def test_at_every_quiet_moment_the_last_word_is_the_truth(listener):
    run_state_machine_as_test(AlertHistory, settings=STEPS)
