from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import OperationalError, connection, transaction
from django.db.utils import IntegrityError
from django.utils import timezone

from operations.alerts import reports as alerts
from operations.alerts.models import Alert
from security.apikeys import networks, scopes, services, tasks, token
from security.apikeys.models import ApiKey
from security.apikeys.services import expiry, issue, usage
from security.apikeys.usage import UsageCollector
from security.audit.models import Event

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_seen():
    """Ids come again from test to test, and what was seen of them waits in memory."""
    usage.collector.take()
    yield
    usage.collector.take()


@pytest.fixture
def issued():
    return services.create("shop", ["revenue:read"], now=NOON)


def test_a_new_key_opens_its_scopes_and_its_text_is_kept_nowhere(issued):
    key, plaintext = issued
    found = services.verify_key(plaintext, NOON)
    assert found == services.Credential(key.pk, "shop", frozenset({"revenue:read"}))
    assert plaintext not in str([vars(each) for each in ApiKey.objects.all()])
    assert key.last4 == plaintext[-4:]
    assert str(key) == f"shop (ac_live_…{plaintext[-4:]})"


def test_looking_up_a_key_is_one_query_and_no_write(issued, django_assert_num_queries):
    with django_assert_num_queries(1) as queries:
        services.verify_key(issued.plaintext, NOON)
    assert queries[0]["sql"].startswith("SELECT")


def test_a_text_with_a_bad_checksum_costs_no_query(issued, django_assert_num_queries):
    last = "0" if issued.plaintext[-1] != "0" else "1"
    with django_assert_num_queries(0):
        assert services.verify_key(issued.plaintext[:-1] + last, NOON) is None


def test_a_genuine_text_that_was_never_issued_opens_nothing():
    assert services.verify_key(token.generate("ac"), NOON) is None


def test_a_key_lives_on_when_the_prefix_setting_changes(issued, settings):
    settings.API_KEY_PREFIX = "other"
    assert services.verify_key(issued.plaintext, NOON) is not None


@pytest.mark.parametrize("name", ["", "   ", "x" * 101])
def test_a_key_needs_a_name_of_1_to_100_characters(name):
    with pytest.raises(ValidationError):
        services.create(name, ["all"])
    assert not ApiKey.objects.exists()


def test_a_key_with_an_unknown_scope_is_not_made():
    with pytest.raises(scopes.UnknownScope):
        services.create("shop", ["revenue:read", "everything"])
    assert not ApiKey.objects.exists()


def test_a_key_expires_at_its_time_and_not_before():
    plaintext = services.create("shop", ["all"], None, NOON + HOUR, NOON).plaintext
    assert services.verify_key(plaintext, NOON + HOUR - timedelta(microseconds=1))
    assert services.verify_key(plaintext, NOON + HOUR) is None


def test_a_key_that_would_expire_before_it_begins_is_not_made():
    with pytest.raises(issue.ExpiryInPast, match="1 Mar 2026, 12:00 UTC"):
        services.create("shop", ["all"], None, NOON, NOON)


def test_the_table_refuses_an_end_before_the_beginning(issued):
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiKey.objects.update(expires_at=NOON - HOUR)


def test_a_revoked_key_is_refused_at_once_and_keeps_its_first_time(issued):
    services.revoke(issued.key.pk, now=NOON + HOUR)
    again = services.revoke(issued.key.pk, now=NOON + 2 * HOUR)
    assert again.revoked_at == NOON + HOUR
    assert services.verify_key(issued.plaintext, NOON + HOUR) is None


def test_a_rotated_key_works_beside_its_successor_until_the_grace_ends(issued, django_user_model):
    officer = django_user_model.objects.create_superuser("ada")
    successor = services.rotate(issued.key.pk, 2 * HOUR, officer, NOON)
    before = services.verify_key(issued.plaintext, NOON + HOUR)
    assert before is not None
    assert before.retire_at == NOON + 2 * HOUR
    assert services.verify_key(issued.plaintext, NOON + 2 * HOUR) is None
    after = services.verify_key(successor.plaintext, NOON + 2 * HOUR)
    assert after is not None
    assert (after.name, after.scopes) == ("shop", frozenset({"revenue:read"}))
    assert successor.key.created_by == officer


def test_rotating_without_grace_ends_the_old_key_at_once(issued):
    services.rotate(issued.key.pk, timedelta(0), now=NOON)
    assert services.verify_key(issued.plaintext, NOON) is None


def test_a_key_that_is_being_replaced_is_not_rotated_again(issued):
    services.rotate(issued.key.pk, HOUR, now=NOON)
    with pytest.raises(services.ApiKeyNotActive, match="retiring"):
        services.rotate(issued.key.pk, HOUR, now=NOON)
    assert ApiKey.objects.count() == 2


def test_at_most_two_keys_of_a_line_work_together(issued):
    second = services.rotate(issued.key.pk, HOUR, now=NOON)
    third = services.rotate(second.key.pk, HOUR, now=NOON)
    live = [
        services.verify_key(each.plaintext, NOON) is not None for each in (issued, second, third)
    ]
    assert live == [False, True, True]


def test_a_negative_grace_is_refused(issued):
    with pytest.raises(ValueError, match="0 or more"):
        services.rotate(issued.key.pk, -HOUR, now=NOON)


def test_the_keys_of_a_customer_move_when_it_is_merged_and_end_when_it_is_erased(issued):
    scoped = services.create("embed", ["revenue:read"], customer=7, now=NOON).key
    assert services.move_to_customer(7, 8) == 1
    scoped.refresh_from_db()
    assert scoped.customer == 8
    assert services.revoke_of_customers([7], NOON) == 0
    assert services.revoke_of_customers([8], NOON) == 1
    live = ApiKey.objects.filter(revoked_at=None)
    assert [each.pk for each in live] == [issued.key.pk]


def test_each_state_has_its_word(issued):
    key = issued.key
    assert key.state(NOON) == "active"
    key.retire_at = NOON + HOUR
    assert [key.state(NOON), key.state(NOON + HOUR)] == ["retiring", "retired"]
    key.expires_at = NOON + HOUR
    assert key.state(NOON + HOUR) == "expired"
    key.revoked_at = NOON
    assert key.state(NOON) == "revoked"


def test_replacing_by_name_leaves_one_live_key_of_that_name(issued):
    other = services.create("till", ["all"], now=NOON)
    new = services.replace("shop", ["all"], now=NOON)
    assert services.verify_key(issued.plaintext, NOON) is None
    assert services.verify_key(new.plaintext, NOON) is not None
    assert services.verify_key(other.plaintext, NOON) is not None


def test_the_last_use_is_stored_by_one_update_and_never_goes_back(
    issued, django_assert_num_queries
):
    other = services.create("till", ["all"], now=NOON).key
    collector = UsageCollector()
    collector.note_use(issued.key.pk, NOON + HOUR)
    collector.note_use(other.pk, NOON + 2 * HOUR)
    with django_assert_num_queries(1):
        assert usage.flush(collector) == 2
    collector.note_use(issued.key.pk, NOON)
    usage.flush(collector)
    assert list(ApiKey.objects.order_by("pk").values_list("last_used_at", flat=True)) == [
        NOON + HOUR,
        NOON + 2 * HOUR,
    ]


def test_nothing_seen_costs_no_query(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert usage.flush(UsageCollector()) == 0


@pytest.mark.django_db(transaction=True)
def test_what_could_not_be_stored_waits_for_the_next_flush(issued):
    collector = UsageCollector()
    collector.note_use(issued.key.pk, NOON)

    def refuse(execute, sql, params, many, context):
        raise OperationalError("down")

    with connection.execute_wrapper(refuse), pytest.raises(OperationalError):
        usage.flush(collector)
    assert usage.flush(collector) == 1


@pytest.mark.django_db(transaction=True)
def test_a_flush_that_failed_is_logged_and_the_next_one_stores_it(issued, caplog):
    collector = UsageCollector()
    collector.note_use(issued.key.pk, NOON)
    with connection.schema_editor() as editor:
        editor.alter_db_table(ApiKey, "security_apikey", "away")
    usage.store_usage(collector)
    assert "Could not store" in caplog.text
    with connection.schema_editor() as editor:
        editor.alter_db_table(ApiKey, "away", "security_apikey")
    usage.store_usage(collector)
    assert ApiKey.objects.get().last_used_at == NOON


@pytest.mark.django_db(transaction=True)
def test_of_several_rotations_at_once_one_wins(issued, at_once):
    outcomes = at_once(lambda: services.rotate(issued.key.pk, HOUR, now=NOON), 4)
    assert sorted(type(each).__name__ for each in outcomes) == [
        *["ApiKeyNotActive"] * 3,
        "IssuedKey",
    ]
    assert ApiKey.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_replacing_at_once_leaves_at_most_the_newest_keys_and_no_error(issued, at_once):
    outcomes = at_once(lambda: services.replace("shop", ["all"]), 4)
    assert {type(each).__name__ for each in outcomes} == {"IssuedKey"}
    assert services.verify_key(issued.plaintext) is None


@pytest.mark.django_db(transaction=True)
def test_a_key_revoked_while_it_is_rotated_is_not_left_alive(issued, at_once):
    turns = iter(["revoke", "rotate"] * 2)
    at_once(lambda: getattr(services, next(turns))(issued.key.pk), 4)
    assert services.verify_key(issued.plaintext) is None


def limited(**limits):
    return services.create("shop", ["all"], now=NOON, limits=services.KeyLimits(**limits))


def test_a_key_opens_from_its_networks_only(caplog):
    key = limited(allowed_networks="198.51.100.0/24, 203.0.113.7")
    assert services.verify_key(key.plaintext, NOON, "198.51.100.9")
    with pytest.raises(services.NetworkNotAllowed, match=r"from 198\.51\.101\.9"):
        services.verify_key(key.plaintext, NOON, "198.51.101.9")
    with pytest.raises(services.NetworkNotAllowed, match="from here"):
        services.verify_key(key.plaintext, NOON)
    assert "a network that is not allowed" in caplog.text


def test_a_key_with_what_is_no_network_is_not_made():
    with pytest.raises(networks.InvalidNetwork):
        limited(allowed_networks="everywhere")
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize(
    ("limits", "rate"),
    [
        ({}, None),
        ({"burst": 5}, (5, 50.0)),
        ({"rate_per_second": 0.5}, (200, 0.5)),
        ({"burst": 5, "rate_per_second": 0.5}, (5, 0.5)),
    ],
)
def test_a_key_may_have_a_rate_of_its_own(settings, limits, rate):
    settings.API_BURST, settings.API_RATE_PER_SECOND = 200, 50.0
    found = services.verify_key(limited(**limits).plaintext, NOON)
    assert found is not None
    assert found.rate == rate


@pytest.mark.parametrize("wrong", [{"burst": 0}, {"rate_per_second": 0.0}])
def test_the_table_refuses_a_rate_of_nothing(wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        limited(**wrong)


def test_a_successor_has_the_limits_of_the_key_it_replaces():
    limits = services.KeyLimits("198.51.100.0/24", 5, 0.5)
    old = limited(**limits._asdict())
    new = services.rotate(old.key.pk, HOUR, now=NOON).key
    assert (new.allowed_networks, new.burst, new.rate_per_second) == limits


class TestBeforeTheEnd:
    """A replaced key in use is put off once."""

    @pytest.fixture
    def rotated(self, issued):
        services.rotate(issued.key.pk, 48 * HOUR, now=NOON)
        return issued

    def used(self, key, at):
        usage.collector.note_use(key.key.pk, at)

    END = NOON + 48 * HOUR
    BEFORE = END - timedelta(minutes=15)

    def test_a_key_in_use_works_for_its_grace_again_and_staff_are_told(self, rotated):
        self.used(rotated, self.BEFORE - HOUR)
        (key,) = expiry.extend_keys_in_use(self.BEFORE)
        assert key.retire_at == self.END + 48 * HOUR
        assert services.verify_key(rotated.plaintext, self.END)
        (alert,) = alerts.unresolved()
        assert (alert.source, alert.severity) == ("apikeys", "high")
        assert "still in use" in alert.message

    def test_its_end_is_put_off_once_only(self, rotated):
        self.used(rotated, self.BEFORE)
        expiry.extend_keys_in_use(self.BEFORE)
        again = self.BEFORE + 48 * HOUR
        self.used(rotated, again)
        assert expiry.extend_keys_in_use(again) == []
        assert services.verify_key(rotated.plaintext, self.END + 48 * HOUR) is None

    def test_the_alert_ends_with_the_key(self, rotated):
        self.used(rotated, self.BEFORE)
        expiry.extend_keys_in_use(self.BEFORE)
        expiry.resolve_ended_alerts(self.END)
        assert alerts.unresolved()
        expiry.resolve_ended_alerts(self.END + 48 * HOUR)
        assert not alerts.unresolved()

    @pytest.mark.parametrize("at", [None, NOON, BEFORE - 25 * HOUR])
    def test_a_key_that_nobody_uses_any_more_retires_in_time(self, rotated, at):
        if at:
            self.used(rotated, at)
        assert expiry.extend_keys_in_use(self.BEFORE) == []
        assert services.verify_key(rotated.plaintext, self.END) is None

    def test_a_key_that_ends_later_is_not_looked_at_yet(self, rotated):
        self.used(rotated, NOON + HOUR)
        assert expiry.extend_keys_in_use(NOON + 2 * HOUR) == []

    def test_a_key_replaced_at_once_is_not_put_off(self, issued):
        services.rotate(issued.key.pk, timedelta(0), now=NOON)
        self.used(issued, NOON)
        assert expiry.extend_keys_in_use(NOON) == []
        assert services.verify_key(issued.plaintext, NOON) is None

    def test_a_key_that_was_revoked_meanwhile_is_left_alone(self, rotated):
        services.revoke(rotated.key.pk, now=NOON + HOUR)
        assert expiry.extend(rotated.key.pk, self.BEFORE) is None

    def test_the_scheduled_look_says_what_it_did(self, rotated):
        self.used(rotated, self.BEFORE)
        with time_machine.travel(self.BEFORE, tick=False):
            tasks.check_api_keys()
        assert ApiKey.objects.get(pk=rotated.key.pk).extended_at == self.BEFORE

    def test_a_key_in_use_that_expires_within_a_week_is_told_of_until_it_is_replaced(self):
        key = services.create("shop", ["all"], None, NOON + 100 * HOUR, NOON - 700 * HOUR)
        services.create("idle", ["all"], None, NOON + 100 * HOUR, NOON - 700 * HOUR)
        self.used(key, NOON)
        usage.flush()
        assert expiry.alert_expiring(NOON + HOUR) == 1
        assert [each.kind for each in alerts.unresolved()] == ["expiring"]
        services.revoke(key.key.pk)
        assert expiry.alert_expiring(NOON + HOUR) == 0
        assert not alerts.unresolved()

    def test_a_key_of_a_few_days_is_told_of_in_the_last_quarter_of_its_life(self):
        key = services.create("job", ["all"], None, NOON + 100 * HOUR, NOON)
        self.used(key, NOON)
        usage.flush()
        assert expiry.alert_expiring(NOON + 74 * HOUR) == 0
        assert expiry.alert_expiring(NOON + 76 * HOUR) == 1

    def test_a_key_that_expires_later_is_not_told_of(self):
        key = services.create("shop", ["all"], None, NOON + 200 * HOUR, NOON)
        self.used(key, NOON)
        usage.flush()
        assert expiry.alert_expiring(NOON + HOUR) == 0


# --- A person who made a key, and holds less now --------------------------------------------------
@pytest.fixture
def maker(django_user_model):
    person = django_user_model.objects.create_user("mia", is_staff=True)
    person.groups.add(*Group.objects.filter(name__in=["operator", "approver", "security officer"]))
    return person


WANTED = ["revenue:read", "decisions:approve"]


def opened(issued):
    credential = services.verify_key(issued.plaintext)
    return set() if credential is None else credential.scopes


def test_a_key_approves_only_while_its_maker_may(maker):
    issued = services.create("bot", WANTED, maker)
    assert opened(issued) == set(WANTED)
    maker.groups.remove(Group.objects.get(name="approver"))
    assert opened(issued) == {"revenue:read"}
    maker.groups.add(Group.objects.get(name="approver"))
    assert opened(issued) == set(WANTED)
    maker.is_active = False
    maker.save()
    assert opened(issued) == {"revenue:read"}
    maker.delete()
    assert opened(issued) == {"revenue:read"}
    kept = Event.objects.get(event="apikey.scopes_withdrawn")
    assert "decisions:approve" in kept.detail


def test_a_key_that_a_command_made_is_nobodys(django_assert_num_queries):
    issued = services.create("bot", WANTED)
    with django_assert_num_queries(1):
        assert opened(issued) == set(WANTED)


def open_alerts_of(kind):
    return [subject for known, subject in alerts.unresolved_of("apikeys") if known == kind]


def test_keys_with_more_than_their_makers_hold_are_told_until_somebody_answers(
    maker, django_user_model
):
    key = services.create("bot", WANTED, maker).key
    ended = services.create("old", WANTED, maker).key
    less = services.create("less", ["revenue:read"], maker).key
    services.take_over(less.pk, django_user_model.objects.create_superuser("other"))
    same = services.create("same", ["revenue:read"], maker).key
    services.revoke(ended.pk)
    services.create("command", WANTED)
    now = timezone.now()
    assert "With more than their makers hold: 0 keys" in services.check_expiring_keys(now)
    maker.groups.clear()
    assert "hold: 2 keys." in services.check_expiring_keys(now)
    assert set(open_alerts_of(expiry.BEYOND)) == {f"key {key.pk}", f"key {same.pk}"}
    services.revoke(same.pk)
    assert "hold: 1 key." in services.check_expiring_keys(now)
    assert open_alerts_of(expiry.BEYOND) == [f"key {key.pk}"]
    alert = Alert.objects.get(kind=expiry.BEYOND, resolved_at=None)
    message = alert.message
    assert "mia, who made it, may not do that any more" in message
    maker.is_active = False
    maker.save()
    services.check_expiring_keys(now)
    alert.refresh_from_db()
    assert "is switched off" in alert.message
    with pytest.raises(scopes.ScopeNotHeld):
        services.take_over(key.pk, maker)
    root = django_user_model.objects.create_superuser("root")
    assert services.take_over(key.pk, root).created_by == root
    assert services.take_over(key.pk, root).created_by == root
    taken = Event.objects.filter(event="apikey.taken_over").latest("pk")
    assert (taken.actor, '"before":"mia"' in taken.detail.replace(" ", "")) == ("user:root", True)
    services.check_expiring_keys(now)
    assert open_alerts_of(expiry.BEYOND) == []
    with pytest.raises(services.ApiKeyNotActive):
        services.take_over(ended.pk, root)
