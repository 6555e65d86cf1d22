"""What a rotation does, row by row of the promises in docs/security.md."""

from datetime import timedelta
from typing import Any

import pytest

from operations.alerts.models import Alert
from security.apikeys import services as api_keys
from security.apikeys.services import expiry, usage
from security.audit.models import Event
from security.rotation import models, reports
from security.rotation import services as rotation
from security.rotation.registry import NewSecret, TargetRefused
from security.rotation.services import execute, steps

pytestmark = pytest.mark.django_db
# What may be None elsewhere is there in these cases: a missing one fails the test anyhow.
services: Any = rotation
apikeys: Any = api_keys
ManagedSecret: Any = models.ManagedSecret
RotationRun: Any = models.RotationRun
SecretVersion: Any = models.SecretVersion
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def later(by):
    """The database's clock, put forward."""
    return lambda: steps.database_now() + by


def told(key_id="db"):
    return list(
        Event.objects.filter(subject=key_id).order_by("seq").values_list("event", flat=True)
    )


# --- Registering ------------------------------------------------------------------------------
def test_a_secret_made_here_is_shown_once_and_kept_sealed():
    made = services.register("mail", "api_key")
    assert len(made.secret) == 43
    assert services.value("mail") == made.secret
    assert made.secret.encode() not in bytes(made.version.sealed)
    assert services.register("mail", "api_key").secret is None


def test_a_given_value_is_rotated_by_hand_and_is_not_answered():
    made = services.register("vendor", "api_key", value="given")
    assert (made.key.rotator, made.secret) == ("manual", None)


def test_a_key_by_hand_may_have_no_value_at_all():
    services.register("door", "pin", rotator="manual")
    assert services.value("door") == ""


@pytest.mark.parametrize(
    "more", [{"level": "high"}, {"value": "other"}, {"rotator": "manual"}, {"owner": "me"}]
)
def test_the_same_name_with_another_body_is_a_duplicate(more):
    services.register("mail", "api_key")
    with pytest.raises(services.DuplicateKey, match="mail is managed already"):
        services.register("mail", "api_key", **more)


def test_a_repeat_after_a_rotation_is_a_duplicate():
    services.register("vendor", "api_key", value="given")
    services.rotate("vendor", value="new")
    with pytest.raises(services.DuplicateKey):
        services.register("vendor", "api_key", value="given")


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("key_id", {"key_id": "a b"}),
        ("key_id", {"key_id": "x" * 101}),
        ("key_type", {"key_type": ""}),
        ("key_type", {"key_type": "user_password"}),
        ("level", {"level": "extreme"}),
        ("rotator", {"rotator": "nobody"}),
        ("value", {"value": ""}),
        ("value", {"value": "x" * 10_001}),
        ("value", {"value": "\ud800"}),
        ("value", {"rotator": "database_password", "config": {
            "host": "h", "dbname": "d", "roles": ["a", "b"]}}),
        ("value", {"rotator": "platform_api_key", "config": {"scopes": ["all"]}, "value": "x"}),
        ("config.scopes", {"rotator": "platform_api_key", "config": {"scopes": ["flying"]}}),
        ("config.scopes", {"rotator": "platform_api_key"}),
        ("config.colour", {"config": {"colour": "red"}}),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_its_field(field, given):
    with pytest.raises(services.InvalidArgument) as refused:
        services.register(**{"key_id": "mail", "key_type": "api_key", **given})
    assert refused.value.field == field
    assert not ManagedSecret.objects.exists()


def test_it_is_due_exactly_one_interval_later_and_may_start_a_little_earlier():
    made = services.register("mail", "api_key", level="critical").key
    assert made.due_at == made.created_at + 30 * DAY
    assert made.due_at - 3 * DAY <= made.eligible_at <= made.due_at


# --- Rotating ---------------------------------------------------------------------------------
def test_a_rotation_sets_tests_and_switches_and_the_old_value_works_on(key, world, versions):
    done = services.rotate("db")
    assert world.journal == [("set", "db", 2), ("test", "db", 2)]
    assert versions("db") == [(1, "retiring"), (2, "current")]
    assert done.previous_valid_until == done.rotated_at + timedelta(hours=72)
    assert done.next_rotation == done.rotated_at + 60 * DAY
    assert world.works["db"] == {"first", done.new_key}
    assert services.values("db") == [done.new_key, "first"]
    assert told() == ["key.registered", "key.claimed", "key.created", "key.set", "key.rotated"]


def test_the_grace_can_be_asked_for(key):
    done = services.rotate("db", grace=2 * HOUR)
    assert done.previous_valid_until == done.rotated_at + 2 * HOUR


@pytest.mark.parametrize("reason", ["manual", "compromised"])
def test_without_grace_the_old_value_ends_at_once(key, world, versions, reason):
    done = services.rotate("db", reason=reason, grace=timedelta(0))
    assert world.works["db"] == {done.new_key}
    ended = SecretVersion.objects.get(number=1)
    assert ended.destroyed_at is not None
    assert ended.sealed is None


def test_a_compromised_value_is_refused_from_the_switch_on_whatever_its_grace(key, world):
    world.refuses.add("revoke")
    services.rotate("db", reason="compromised", grace=DAY)
    old = SecretVersion.objects.get(number=1)
    assert (old.state, old.destroyed_at) == ("compromised", None)
    assert services.value("db") not in {"first", ""}
    world.refuses.clear()
    services.resume_unfinished()
    old.refresh_from_db()
    assert old.destroyed_at is not None


def test_a_grace_below_zero_and_an_unknown_reason_are_refused(key):
    with pytest.raises(services.InvalidArgument, match="must be 0 or more"):
        services.rotate("db", grace=-HOUR)
    with pytest.raises(services.InvalidArgument, match="manual, scheduled, compromised"):
        services.rotate("db", reason="boredom")
    with pytest.raises(services.InvalidArgument, match="makes the value itself"):
        services.rotate("db", value="mine")


def test_an_unknown_key_is_not_rotated(db):
    with pytest.raises(services.SecretNotFound, match="'nobody'"):
        services.rotate("nobody")
    with pytest.raises(services.SecretNotFound):
        services.value("nobody")


def test_while_one_rotation_holds_the_claim_a_second_is_refused(key):
    steps.acquire(key.pk, "test")
    with pytest.raises(services.RotationInProgress, match="db is being rotated already"):
        services.rotate("db")


def test_a_lease_that_lapsed_holds_nobody_up(key, lapse):
    steps.acquire(key.pk, "test")
    ManagedSecret.objects.update(lease_until=steps.database_now() - HOUR)
    assert services.rotate("db").version == 2


@pytest.mark.parametrize("end", [services.pause, services.revoke, services.retire])
def test_a_paused_or_ended_key_is_not_rotated(key, end):
    end("db")
    with pytest.raises(services.InvalidTransition, match="cannot be rotated"):
        services.rotate("db")


def test_a_resumed_key_rotates_again(key):
    services.pause("db")
    with pytest.raises(services.InvalidTransition, match="is paused, not active"):
        services.pause("db")
    services.resume("db")
    assert services.rotate("db").version == 2


def test_whoever_saw_another_version_is_told_and_the_key_is_given_back(key):
    services.rotate("db")
    with pytest.raises(services.InvalidTransition, match="version of db is 2, not 1"):
        services.rotate("db", expected_version=1)
    assert services.rotate("db", expected_version=2).version == 3


def test_at_most_two_values_work_and_the_oldest_ends_first(key, world, versions):
    services.rotate("db")
    done = services.rotate("db")
    assert versions("db") == [(1, "retired"), (2, "retiring"), (3, "current")]
    assert world.works["db"] == {services.values("db")[1], done.new_key}


# --- What goes wrong outside --------------------------------------------------------------------
def test_a_refused_value_is_taken_back_and_the_old_one_stays(key, world, versions):
    world.refuses.add("set")
    with pytest.raises(services.RotationFailed, match=r"db keeps its value\. It could not be set"):
        services.rotate("db")
    assert versions("db") == [(1, "current"), (2, "failed")]
    assert world.works["db"] == {"first"}
    fresh = ManagedSecret.objects.get()
    assert (fresh.fail_count, fresh.lease_until) == (1, None)
    assert Alert.objects.get().subject == "db"


def test_an_unclear_answer_counts_as_set_and_the_test_decides(key, world, versions):
    world.silent.add("set")
    services.rotate("db")
    assert versions("db") == [(1, "retiring"), (2, "current")]


def test_a_failed_test_keeps_the_value_for_the_next_attempt(key, world, versions, lapse):
    world.broken.add("test")
    with pytest.raises(services.RotationFailed, match="It did not work: no answer"):
        services.rotate("db")
    assert versions("db") == [(1, "current"), (2, "pending")]
    assert services.resume_unfinished() == 0  # it waits
    world.broken.clear()
    lapse()
    assert services.resume_unfinished() == 1
    assert versions("db") == [(1, "retiring"), (2, "current")]
    assert ManagedSecret.objects.get().fail_count == 0


def test_after_three_failed_tests_comes_a_new_value(key, world, versions, lapse):
    world.refuses.add("test")
    for _ in range(3):
        with pytest.raises(services.RotationFailed):
            services.rotate("db")
        lapse()
    assert versions("db") == [(1, "current"), (2, "failed")]
    assert world.works["db"] == {"first"}
    world.refuses.clear()
    services.rotate("db")
    assert versions("db") == [(1, "retiring"), (2, "failed"), (3, "current")]


def test_each_failure_waits_longer(key, world):
    world.refuses.add("set")
    waits = []
    for _ in range(5):
        with pytest.raises(services.RotationFailed):
            services.rotate("db")
        fresh = ManagedSecret.objects.get()
        waits.append(round((fresh.next_attempt_at - steps.database_now()) / timedelta(minutes=1)))
    assert waits == [1, 5, 30, 120, 120]


def test_what_cannot_be_undone_waits_as_it_is(key, world, versions, lapse):
    world.refuses |= {"set", "undo"}
    with pytest.raises(services.RotationFailed, match="could not be taken back"):
        services.rotate("db")
    assert versions("db") == [(1, "current"), (2, "pending")]
    world.refuses.clear()
    lapse()
    services.resume_unfinished()
    assert versions("db") == [(1, "retiring"), (2, "failed"), (3, "current")]


def test_a_rotator_that_breaks_is_no_proof_either_way(key, world, versions):
    def broken(step, held):
        raise RuntimeError("what?")

    world.take = broken
    with pytest.raises(services.RotationFailed, match="RuntimeError: what"):
        services.rotate("db")
    assert versions("db") == [(1, "current"), (2, "pending")]


def test_a_compromised_key_whose_target_is_down_is_ended_only_by_force(key, world, versions):
    world.refuses.add("set")
    with pytest.raises(services.RotationFailed):
        services.rotate("db", reason="compromised")
    assert versions("db")[0] == (1, "current")
    done = services.rotate("db", reason="compromised", force=True)
    assert done.new_key is None
    assert "No value of db works" in done.action_required
    assert world.works["db"] == set()
    assert ManagedSecret.objects.get().state == "failed"
    with pytest.raises(services.SecretNotFound):
        services.value("db")
    world.refuses.clear()
    services.rotate("db")
    assert ManagedSecret.objects.get().state == "active"


def test_a_worker_that_lost_its_lease_changes_nothing(key, world, versions):
    def steal(name):
        if name == "rotation.before_finish":
            ManagedSecret.objects.update(lease_until=None)
            steps.acquire(key.pk, "another worker")

    with pytest.raises(services.RotationInProgress, match="taken over"):
        services.rotate("db", failpoint=steal)
    assert versions("db") == [(1, "current"), (2, "pending")]
    assert told()[-1] == "key.lost_lease"


def test_an_unforeseen_error_gives_the_key_back(key, world, monkeypatch):
    def broken(name):
        if name == "rotation.before_finish":
            raise RuntimeError("power")

    with pytest.raises(RuntimeError):
        services.rotate("db", failpoint=broken)
    assert ManagedSecret.objects.get().lease_until is None

    def stolen(name):
        if name == "rotation.before_finish":
            ManagedSecret.objects.update(fencing_token=99)
            raise RuntimeError("power")

    with pytest.raises(RuntimeError):
        services.rotate("db", failpoint=stolen)


def test_no_overlap_needs_a_word_that_downtime_is_allowed(world):
    services.register("one", "x", rotator="test_no_overlap", value="first")
    with pytest.raises(services.InvalidTransition, match="allow_downtime"):
        services.rotate("one")
    services.register(
        "two", "x", rotator="test_no_overlap", value="first", config={"allow_downtime": True}
    )
    assert services.rotate("two").version == 2


# --- By hand, and our own API keys --------------------------------------------------------------
def test_a_key_by_hand_asks_for_the_value_and_takes_it(versions):
    services.register("vendor", "api_key", value="given")
    asked = services.rotate("vendor")
    assert (asked.rotated_at, asked.new_key, asked.version) == (None, None, 1)
    assert "bring the new value" in asked.action_required
    done = services.rotate("vendor", value="new")
    assert services.value("vendor") == "new"
    assert done.action_required == ""
    assert versions("vendor") == [(1, "retiring"), (2, "current")]


def test_a_key_by_hand_that_is_paused_asks_for_nothing(db):
    services.register("vendor", "api_key", value="given")
    services.pause("vendor")
    with pytest.raises(services.InvalidTransition):
        services.rotate("vendor")


def test_our_own_api_key_goes_on_beside_its_successor(db):
    made = services.register("ci", "api_key", rotator="platform_api_key",
                             config={"scopes": ["revenue:read"]})  # fmt: skip
    done = services.rotate("ci", grace=HOUR)
    now = steps.database_now()
    assert apikeys.verify_key(made.secret, now).scopes == {"revenue:read"}
    assert apikeys.verify_key(done.new_key, now)
    assert apikeys.verify_key(made.secret, now + 2 * HOUR) is None
    assert not SecretVersion.objects.exclude(sealed=None).exists()


def test_a_compromised_api_key_is_refused_at_once(db):
    made = services.register("ci", "api_key", rotator="platform_api_key",
                             config={"scopes": ["all"]})  # fmt: skip
    done = services.rotate("ci", reason="compromised")
    assert apikeys.verify_key(made.secret) is None
    assert apikeys.verify_key(done.new_key)


def test_an_api_key_that_ended_by_other_ways_is_not_rotated(db, versions):
    services.register("ci", "api_key", rotator="platform_api_key", config={"scopes": ["all"]})
    apikeys.revoke(SecretVersion.objects.get().detail["api_key"])
    with pytest.raises(services.RotationFailed, match="only an active key"):
        services.rotate("ci")
    assert versions("ci") == [(1, "current")]


def test_revoking_the_managed_key_revokes_the_api_key(db):
    made = services.register("ci", "api_key", rotator="platform_api_key",
                             config={"scopes": ["all"]})  # fmt: skip
    services.revoke("ci")
    assert apikeys.verify_key(made.secret) is None


# --- The end of a value -------------------------------------------------------------------------
def test_after_its_grace_a_value_is_revoked_and_erased(key, world):
    done = services.rotate("db", grace=HOUR)
    assert services.resume_unfinished(later(0 * HOUR)) == 0
    assert services.resume_unfinished(later(2 * HOUR)) == 1
    assert world.works["db"] == {done.new_key}
    assert SecretVersion.objects.get(number=1).state == "retired"
    assert services.resume_unfinished(later(2 * HOUR)) == 0


def test_a_value_that_is_still_used_gets_its_grace_once_more(key, world):
    services.rotate("db", grace=HOUR)
    services.record_use("db", 1, steps.database_now())
    services.record_use("db", 1, steps.database_now() - DAY)
    services.resume_unfinished(later(2 * HOUR))
    old = SecretVersion.objects.get(number=1)
    assert old.state == "retiring"
    assert old.retire_at > steps.database_now() + timedelta(hours=72)
    assert Alert.objects.get().kind == "still_used"
    services.record_use("db", 1, old.retire_at)
    services.resume_unfinished(lambda: old.retire_at + HOUR)
    old.refresh_from_db()
    assert old.state == "retired"


def test_an_api_key_whose_own_end_was_put_off_is_not_cut_off(db):
    made = services.register("ci", "api_key", rotator="platform_api_key",
                             config={"scopes": ["all"]})  # fmt: skip
    services.rotate("ci", grace=HOUR)
    now = steps.database_now()
    usage.collector.note_use(made.version.detail["api_key"], now + timedelta(minutes=50))
    assert expiry.extend_keys_in_use(now + timedelta(minutes=55))
    services.resume_unfinished(later(timedelta(minutes=90)))
    assert apikeys.verify_key(made.secret, now + timedelta(minutes=90))
    services.resume_unfinished(later(3 * HOUR))
    assert SecretVersion.objects.get(number=1).state == "retired"


def test_a_value_that_cannot_be_revoked_is_tried_again(key, world):
    services.rotate("db", grace=HOUR)
    world.refuses.add("revoke")
    assert services.resume_unfinished(later(2 * HOUR)) == 0
    with pytest.raises(services.RotationFailed, match="could not be ended"):
        services.rotate("db")
    world.refuses.clear()
    ManagedSecret.objects.update(next_attempt_at=None)
    assert services.resume_unfinished(later(2 * HOUR)) == 1


def test_a_revoked_key_has_no_value_left_anywhere(key, world, versions):
    services.rotate("db")
    services.revoke("db", actor="user:anna")
    assert world.works["db"] == set()
    assert versions("db") == [(1, "retired"), (2, "revoked")]
    assert not SecretVersion.objects.exclude(sealed=None).exists()


def test_revoking_in_the_middle_takes_the_pending_value_back(key, world, versions):
    world.silent.add("test")
    with pytest.raises(services.RotationFailed):
        services.rotate("db")
    world.silent.clear()
    services.revoke("db")
    assert world.works["db"] == set()
    assert versions("db") == [(1, "revoked"), (2, "revoked")]


def test_a_key_that_is_managed_no_longer_goes_on_working_outside(key, world):
    services.retire("db")
    assert world.works["db"] == {"first"}
    assert not SecretVersion.objects.exclude(sealed=None).exists()


# --- Rehearsal ----------------------------------------------------------------------------------
def test_a_rehearsal_leaves_everything_as_it_was(key, world, versions):
    services.rehearse("db")
    assert [step for step, *_ in world.journal] == ["set", "test", "undo"]
    assert world.works["db"] == {"first"}
    assert versions("db") == [(1, "current"), (2, "retired")]


def test_a_rehearsal_says_what_would_fail(key, world, versions):
    world.refuses.add("test")
    with pytest.raises(services.RotationFailed, match="It did not work"):
        services.rehearse("db")
    assert world.works["db"] == {"first"}
    assert versions("db") == [(1, "current"), (2, "retired")]


def test_what_is_set_nowhere_is_not_rehearsed(db):
    services.register("mail", "api_key")
    with pytest.raises(services.InvalidTransition, match="nothing to rehearse"):
        services.rehearse("mail")


# --- The automatic pass -------------------------------------------------------------------------
def due_keys(count, **more):
    for number in range(count):
        services.register(f"k{number}", "x", **more)
    past = steps.database_now() - HOUR
    ManagedSecret.objects.update(eligible_at=past, due_at=past)


def test_a_pass_rotates_what_is_due_and_a_second_finds_nothing(key, world, versions):
    due_keys(3)
    passed = services.rotate_due()
    assert len(passed.rotations) == passed.due == 4
    assert all(each.new_key is None for each in passed.rotations if each.key_id != "db")
    assert versions("k0") == [(1, "retiring"), (2, "current")]
    assert versions("db") == [(1, "retiring"), (2, "current")]
    again = services.rotate_due()
    assert (again.rotations, again.due) == ([], 0)


def test_a_pass_keeps_to_the_hours_limit_unless_forced(db):
    due_keys(14)
    first, second = services.rotate_due(), services.rotate_due()
    assert (len(first.rotations), first.held_back) == (10, 4)
    assert (len(second.rotations), second.held_back) == (0, 4)
    assert len(services.rotate_due(force=True).rotations) == 4
    assert reports.report(steps.database_now())["overdue"] == 0


def test_one_failure_stops_no_other(key, world):
    due_keys(1)
    world.refuses.add("set")
    passed = services.rotate_due()
    assert [each.key_id for each in passed.rotations] == ["k0"]
    assert [each.key_id for each in passed.failures] == ["db"]
    assert RotationRun.objects.get().failed == 1


def test_keys_that_need_a_person_are_left_to_one(db):
    services.register("vendor", "x", value="given")
    services.register("ci", "x", rotator="platform_api_key", config={"scopes": ["all"]})
    past = steps.database_now() - HOUR
    ManagedSecret.objects.update(eligible_at=past, due_at=past)
    assert services.rotate_due().due == 0
    assert {each["key_id"] for each in reports.due(steps.database_now())} == {"vendor", "ci"}


def test_a_clock_that_jumped_pauses_passes_until_a_person_resumes(db):
    due_keys(3)
    off = later(3 * DAY)
    passed = services.rotate_due(local_clock=off)
    assert "a clock has moved by" in passed.paused_because
    assert passed.rotations == []
    assert "paused" in services.rotate_due().paused_because
    services.resume_runs(actor="user:anna")
    assert len(services.rotate_due().rotations) == 3
    assert RotationRun.objects.order_by("begun_at").first().resumed_by == "user:anna"


def test_what_two_passes_want_is_rotated_once(db, versions):
    due_keys(2)
    stale = list(ManagedSecret.objects.order_by("pk"))
    services.rotate_due()
    order = steps.RotationRequest("scheduled")
    assert services.rotate_many(stale, order, steps.database_now) == []
    assert versions("k0") == [(1, "retiring"), (2, "current")]


def test_a_batch_ends_what_still_retires(db, versions):
    due_keys(1)
    services.rotate("k0")
    ManagedSecret.objects.update(eligible_at=steps.database_now() - HOUR)
    services.rotate_due()
    assert versions("k0") == [(1, "retired"), (2, "retiring"), (3, "current")]


def test_a_batch_that_was_overtaken_switches_nothing(db, versions):
    due_keys(1)

    def steal(name):
        if name == "rotation.before_finish":
            ManagedSecret.objects.update(fencing_token=50, lease_until=None)

    order = steps.RotationRequest("scheduled")
    keys = list(ManagedSecret.objects.all())
    assert services.rotate_many(keys, order, steps.database_now, steal) == []
    assert versions("k0") == [(1, "current"), (2, "pending")]
    services.resume_unfinished()
    assert versions("k0") == [(1, "retiring"), (2, "current")]


def test_a_scheduled_rotation_that_failed_before_it_had_a_value_is_tried_again(key, world, lapse):
    past = steps.database_now() - HOUR
    ManagedSecret.objects.update(eligible_at=past, due_at=past)
    world.refuses.add("set")
    services.rotate_due()
    world.refuses.clear()
    lapse()
    assert services.resume_unfinished() == 1
    assert ManagedSecret.objects.get().fail_count == 0


def test_what_breaks_while_tending_stops_nothing_else(key, world):
    services.rotate("db", grace=timedelta(0), clock=steps.database_now)
    world.silent.add("test")
    with pytest.raises(services.RotationFailed):
        services.rotate("db")
    ManagedSecret.objects.update(next_attempt_at=None)

    def broken(name):
        raise RuntimeError(name)

    assert services.resume_unfinished(failpoint=broken) == 0


# --- Policies -----------------------------------------------------------------------------------
def test_a_policy_moves_the_keys_of_its_level(key):
    services.register("mail", "x")
    services.set_policy("high", interval_days=10, grace_minutes=5)
    moved, other = ManagedSecret.objects.get(key_id="db"), ManagedSecret.objects.get(key_id="mail")
    assert moved.due_at == moved.created_at + 10 * DAY
    assert other.due_at == other.created_at + 90 * DAY
    done = services.rotate("db")
    assert done.previous_valid_until == done.rotated_at + timedelta(minutes=5)


def test_a_policy_of_no_level_is_refused(db):
    with pytest.raises(services.InvalidArgument, match="must be one of critical"):
        services.set_policy("extreme", interval_days=1, grace_minutes=None)


def test_other_days_in_the_settings_move_keys_at_the_next_pass(key, settings):
    settings.KEY_ROTATION_HIGH_DAYS = 7
    services.rotate_due()
    assert ManagedSecret.objects.get().interval_days == 7


# --- What is seldom -----------------------------------------------------------------------------
def test_an_api_key_that_was_deleted_by_hand_is_ended_all_the_same(db):
    services.register("ci", "api_key", rotator="platform_api_key", config={"scopes": ["all"]})
    SecretVersion.objects.update(detail={"api_key": 0})
    services.revoke("ci")
    assert ManagedSecret.objects.get().state == "revoked"


def test_a_key_without_any_value_can_be_compromised_by_force_again(key, world):
    world.refuses.add("set")
    for _ in range(2):
        done = services.rotate("db", reason="compromised", force=True)
    assert (done.version, done.new_key) == (0, None)


def test_a_value_that_another_worker_has_erased_is_left(key, world):
    services.rotate("db", grace=timedelta(0))
    erased = SecretVersion.objects.get(number=1)
    SecretVersion.objects.filter(pk=erased.pk).update(destroyed_at=None)
    [(key_pk, version)] = steps.due_to_erase(later(HOUR)())
    SecretVersion.objects.filter(pk=erased.pk).update(destroyed_at=erased.destroyed_at)
    services.end(ManagedSecret.objects.get(pk=key_pk), version, steps.database_now)
    assert ManagedSecret.objects.get().lease_until is None


def test_a_fresh_value_may_be_empty(key):
    held = steps.acquire(key.pk, "test")
    version = steps.store_pending(
        held, NewSecret(""), steps.RotationRequest("manual"), steps.database_now()
    )
    assert version.ciphertext is None


def test_a_leaked_value_by_hand_is_ended_by_force_before_there_is_another(db, versions):
    services.register("vendor", "x", value="given")
    done = services.rotate("vendor", reason="compromised", force=True)
    assert done.new_key is None
    assert versions("vendor") == [(1, "compromised")]
    services.rotate("vendor", value="new")
    assert services.value("vendor") == "new"


def test_a_key_that_is_not_there_has_no_secret_to_give():
    with pytest.raises(TargetRefused, match="No managed key 'nowhere' has a current value"):
        execute.secret_of("nowhere")
