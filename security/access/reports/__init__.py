"""What a person may do; each role's permissions stand in roles.py."""

from security.access.reports.people import (
    Person,
    holds,
    lacks_factor,
    may_approve,
    may_operate,
    may_view,
    person,
    setup_link_works,
)

__all__ = [
    "Person",
    "holds",
    "lacks_factor",
    "may_approve",
    "may_operate",
    "may_view",
    "person",
    "setup_link_works",
]
