"""Managed keys, their status and the policies in force; never a secret."""

from security.rotation.reports.bindings import decrypt, secret_of, terms
from security.rotation.reports.channels import (
    MAX_SUCCESSORS,
    acts_outside,
    last_use,
    may_config_be_changed_by_api,
    may_rotate_itself,
    readers_of,
    rotating_themselves,
)
from security.rotation.reports.status import (
    LIVE_STATES,
    SEARCH,
    due,
    due_soon_at,
    effective_policies,
    effective_policy,
    is_catch_up_due,
    is_run_missed,
    key_counts,
    key_info,
    keys_with_version,
    left_outside,
    paused_because,
    recent_rotations,
    report,
    status_of,
    unchanged,
)
