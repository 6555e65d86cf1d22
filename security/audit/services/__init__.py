"""Record events, and anchor the ends of the streams."""

from security.audit.services.anchor import anchor, restore_anchors, write_anchor_files
from security.audit.services.record import (
    AuditEntry,
    record,
    record_all,
    record_erasure,
    record_history_digest,
    record_history_digests,
)
