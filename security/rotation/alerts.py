"""Which alerts the state of the keys asks for; whoever raises them also resolves the others."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from security.rotation.policy import CRITICAL, HIGH

OVERDUE, FAILING, SILENT, PAUSED = "overdue", "rotation_failing", "no_pass", "passes_paused"
KINDS = (OVERDUE, FAILING, SILENT, PAUSED)
ALL_KEYS = "all keys"
GRAVITY = {CRITICAL: "critical", HIGH: "high"}  # of a key that is overdue; below: warning


class Alarm(NamedTuple):
    kind: str
    subject: str
    severity: str
    message: str


def wanted(report: Mapping[str, Any], *, silent: bool, paused_because: str) -> list[Alarm]:
    """The alerts that should be open, by the report of all keys."""
    found = [late(key) for key in report["overdue_keys"] if key["state"] != "paused"]
    found += [failing(key_id) for key_id in report["failing_keys"]]
    if silent:
        words = "No automatic pass has run for 26 hours: see whether beat and a worker run."
        found.append(Alarm(SILENT, ALL_KEYS, "high", words))
    if paused_because:
        found.append(Alarm(PAUSED, ALL_KEYS, "high", paused_because))
    return found


def late(key: Mapping[str, Any]) -> Alarm:
    words = (
        f"{key['key_id']} ({key['security_level']}) should have been rotated on "
        f"{key['next_rotation'][:10]}. {key['last_error']}"
    )
    severity = GRAVITY.get(key["security_level"], "warning")
    return Alarm(OVERDUE, key["key_id"], severity, words.strip())


def failing(key_id: str) -> Alarm:
    words = f"The rotation of {key_id} fails; its page says why. Its old value works on."
    return Alarm(FAILING, key_id, "high", words)


def over(open_now: Sequence[tuple[str, str]], alarms: Sequence[Alarm]) -> list[tuple[str, str]]:
    """Of the open alerts, by kind and subject, those that nothing asks for any more."""
    still = {(each.kind, each.subject) for each in alarms}
    return [each for each in open_now if each[0] in KINDS and each not in still]
