"""Plans as staff see them: read, approved, rejected and rolled back; never edited."""

from marketing.budget.admin.plans import (
    PlanAdmin,
    ReadOnly,
    ShareInline,
)

__all__ = [
    "PlanAdmin",
    "ReadOnly",
    "ShareInline",
]
