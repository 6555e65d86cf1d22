"""Managed keys, their status and the policies in force; never a secret."""

from security.rotation.reports.status import (
    LIVE_STATES,
    SEARCH,
    due,
    effective_policies,
    effective_policy,
    is_catch_up_due,
    is_run_missed,
    key_counts,
    key_info,
    keys_with_version,
    paused_because,
    recent_rotations,
    report,
)
