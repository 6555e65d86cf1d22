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


def wanted(*overdue, failing=(), silent=False, paused=""):
    report = {"overdue_keys": list(overdue), "failing_keys": list(failing)}
    return alerts.wanted(report, silent=silent, paused_because=paused)


def test_nothing_wrong_asks_for_no_alert():
    assert wanted() == []


def test_an_overdue_key_is_as_grave_as_its_level():
    found = wanted(key("a", "critical"), key("b", "high"), key("c", "medium"), key("d", "low"))
    assert [each.severity for each in found] == ["critical", "high", "warning", "warning"]
    assert found[0].message == "a (critical) should have been rotated on 2026-03-01."


def test_the_reason_of_the_last_failure_is_told():
    (found,) = wanted(key(error="The target refused it."))
    assert found.message.endswith("on 2026-03-01. The target refused it.")


def test_a_paused_key_is_late_on_purpose():
    assert wanted(key(state="paused")) == []


def test_failures_silence_and_a_pause_are_told():
    found = wanted(failing=["a"], silent=True, paused="A clock jumped.")
    assert [(each.kind, each.subject) for each in found] == [
        (alerts.FAILING, "a"),
        (alerts.SILENT, alerts.ALL_KEYS),
        (alerts.PAUSED, alerts.ALL_KEYS),
    ]
    assert found[2].message == "A clock jumped."


pairs = st.lists(st.tuples(st.sampled_from([*alerts.KINDS, "other"]), st.sampled_from("abc")))


@given(pairs, st.sets(st.sampled_from("abc")))
def test_over_is_what_is_open_of_ours_and_no_longer_asked_for(open_now, late):
    still = wanted(*map(key, sorted(late)))
    over = alerts.over(open_now, still)
    assert all(kind != "other" for kind, _ in over)
    assert not set(over) & {(each.kind, each.subject) for each in still}
    kept = [each for each in open_now if each not in over]
    assert all(kind == "other" or (kind, subject) in
               {(each.kind, each.subject) for each in still} for kind, subject in kept)  # fmt: skip
