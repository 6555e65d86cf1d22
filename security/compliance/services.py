"""Taking the evidence pack, which is an event of the audit chain itself."""

from datetime import datetime

from security.audit.services import record
from security.compliance import pack as packing
from security.compliance import reports

TITLE = "AetherCrown: how keys are managed"
STREAM = "admin"


def pack(now: datetime, *, actor: str = "") -> tuple[str, bytes]:
    """The name of the zip and the zip; that it was taken stands in the chain."""
    content = packing.zipped(TITLE, now, actor, reports.sheets(now))
    name = f"key-evidence-{now:%Y%m%d-%H%M%S}.zip"
    record(
        stream=STREAM,
        event="evidence.taken",
        subject=name,
        actor=actor,
        detail={"bytes": len(content)},
        now=now,
    )
    return name, content
