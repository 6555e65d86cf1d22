"""Tasks as staff see them: read, requeued and cancelled; never edited."""

from operations.scheduling.admin.tasks import (
    MAY_OPERATE,
    DependencyInline,
    DurationAdmin,
    ReadOnly,
    TaskAdmin,
)

__all__ = [
    "MAY_OPERATE",
    "DependencyInline",
    "DurationAdmin",
    "ReadOnly",
    "TaskAdmin",
]
