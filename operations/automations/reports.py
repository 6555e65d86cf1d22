"""What ran, what failed, what is late."""

from operations.automations.models import Automation
from operations.decisions.guardrails import Limits


def limits(name: str, *, lock: bool = False) -> Limits:
    """The guardrails that staff set for an automation; the common ones where it has no row.

    With `lock` (inside a transaction) others wait, so that counts beside it stay true.
    """
    rows = Automation.objects.select_for_update() if lock else Automation.objects.all()
    row = rows.filter(name=name).first()
    return Limits() if row is None else row.limits
