"""Build the compliance evidence pack, and record that it was taken."""

from datetime import datetime

from security.audit.services import record
from security.compliance import pack, reports

TITLE = "AetherCrown: how keys are managed"


def file_name(now: datetime) -> str:
    """The name of the pack's zip."""
    return f"key-evidence-{now:%Y%m%d-%H%M%S}.zip"


def build_pack(now: datetime, *, actor: str = "") -> tuple[str, bytes]:
    """The name and the bytes of the zip; an audit event records it."""
    content = pack.build_zip(TITLE, now, actor, reports.tables(now))
    name = file_name(now)
    record(
        stream="admin",
        event="evidence.taken",
        subject=name,
        actor=actor,
        detail={"bytes": len(content)},
        now=now,
    )
    return name, content
