"""What a person may do, and whether a set-up link is valid."""

from security.access.reports.permissions import (
    Person,
    has_permission,
    may_approve,
    may_operate,
    may_view,
    needs_second_factor,
    person,
)
from security.access.reports.setup_link import is_setup_link_valid
