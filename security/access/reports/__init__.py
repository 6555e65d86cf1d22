"""What a person may do."""

from security.access.reports.permissions import (
    has_permission,
    may_approve,
    may_operate,
    may_view,
    needs_second_factor,
    person,
)
