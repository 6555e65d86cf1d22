"""Which alerts the state of the keys requires. Pure."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from security.rotation.schedule import CRITICAL, HIGH

SOURCE = "keys"
OVERDUE, FAILING = "overdue", "rotation_failing"
STILL_USED = "still_used"
LEFT_OUTSIDE = "left_outside"
RUN_MISSED, RUNS_PAUSED = "run_missed", "runs_paused"
STATE_ALERTS = (OVERDUE, FAILING, RUN_MISSED, RUNS_PAUSED, LEFT_OUTSIDE)
ALL_KEYS = "all keys"
SEVERITY_BY_LEVEL = {CRITICAL: "critical", HIGH: "high"}  # of overdue keys; others: warning
FAILING_MESSAGE = "The rotation of {} fails; its page says why. The old value still works."
LEFT_OUTSIDE_MESSAGE = (
    "Ended here, and left outside: {}. A worker tries again; or end it there yourself, and close "
    "the task under Tasks outside."
)
RUN_MISSED_MESSAGE = (
    "The scheduled rotation run is over two hours late: look whether beat and a worker run."
)


class KeyAlert(NamedTuple):
    kind: str
    subject: str
    severity: str
    message: str


def required_alerts(
    report: Mapping[str, Any],
    *,
    run_missed: bool,
    paused_because: str,
    left_outside: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> list[KeyAlert]:
    """The alerts that should be open, given the report on all keys."""
    found = [_overdue(key) for key in report["overdue_keys"] if key["state"] != "paused"]
    found += [
        KeyAlert(FAILING, key_id, "high", FAILING_MESSAGE.format(key_id))
        for key_id in report["failing_keys"]
    ]
    found += [
        KeyAlert(LEFT_OUTSIDE, key_id, "high", LEFT_OUTSIDE_MESSAGE.format(", ".join(places)))
        for key_id, places in left_outside.items()
    ]
    if run_missed:
        found.append(KeyAlert(RUN_MISSED, ALL_KEYS, "high", RUN_MISSED_MESSAGE))
    if paused_because:
        found.append(KeyAlert(RUNS_PAUSED, ALL_KEYS, "high", paused_because))
    return found


def _overdue(key: Mapping[str, Any]) -> KeyAlert:
    message = (
        f"{key['key_id']} ({key['security_level']}) should have been rotated on "
        f"{key['next_rotation'][:10]}. {key['last_error']}"
    )
    severity = SEVERITY_BY_LEVEL.get(key["security_level"], "warning")
    return KeyAlert(OVERDUE, key["key_id"], severity, message.strip())


def no_longer_required(
    unresolved: Sequence[tuple[str, str]], required: Sequence[KeyAlert]
) -> list[tuple[str, str]]:
    """Of the unresolved alerts, as (kind, subject), those that can be resolved."""
    keep = {(each.kind, each.subject) for each in required}
    return [each for each in unresolved if each[0] in STATE_ALERTS and each not in keep]
