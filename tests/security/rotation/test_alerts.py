from hypothesis import given
from hypothesis import strategies as st

from security.rotation import alerts


def key(key_id="a", level="medium", state="active", error=""):
    return {
        "key_id": key_id,
        "security_level": level,
        "state": state,
        "next_rotation": "2026-03-01T12:00:00+00:00",
        "last_error": error,
    }


def required(*overdue, failing=(), run_missed=False, paused=""):
    report = {"overdue_keys": list(overdue), "failing_keys": list(failing)}
    return alerts.required_alerts(report, run_missed=run_missed, paused_because=paused)


def test_no_problem_requires_no_alert():
    assert required() == []


def test_the_severity_of_an_overdue_key_follows_its_level():
    found = required(key("a", "critical"), key("b", "high"), key("c", "medium"), key("d", "low"))
    assert [each.severity for each in found] == ["critical", "high", "warning", "warning"]
    assert found[0].message == "a (critical) should have been rotated on 2026-03-01."


def test_the_last_error_is_part_of_the_message():
    (found,) = required(key(error="The target refused it."))
    assert found.message.endswith("on 2026-03-01. The target refused it.")


def test_a_paused_key_raises_no_alert():
    assert required(key(state="paused")) == []


def test_failures_missed_runs_and_a_pause_raise_alerts():
    found = required(failing=["a"], run_missed=True, paused="A clock jumped.")
    assert [(each.kind, each.subject) for each in found] == [
        (alerts.FAILING, "a"),
        (alerts.RUN_MISSED, alerts.ALL_KEYS),
        (alerts.RUNS_PAUSED, alerts.ALL_KEYS),
    ]
    assert found[2].message == "A clock jumped."


pairs = st.lists(
    st.tuples(st.sampled_from([*alerts.STATE_ALERTS, "other"]), st.sampled_from("abc"))
)


@given(pairs, st.sets(st.sampled_from("abc")))
def test_only_our_unresolved_alerts_that_are_not_required_are_resolved(unresolved, late):
    still = required(*map(key, sorted(late)))
    resolvable = alerts.no_longer_required(unresolved, still)
    assert all(kind != "other" for kind, _ in resolvable)
    assert not set(resolvable) & {(each.kind, each.subject) for each in still}
    kept = [each for each in unresolved if each not in resolvable]
    assert all(kind == "other" or (kind, subject) in
               {(each.kind, each.subject) for each in still} for kind, subject in kept)  # fmt: skip
