"""Open and move clocks, record thresholds, publish calendars and rules, give tiers."""

from enterprise.sla.services.calendar_moves import (
    CALENDAR_MOVE,
    CalendarFollower,
    followers,
    propose_calendar_move,
)
from enterprise.sla.services.clocks import (
    ClockStart,
    cancel_clock,
    open_clock,
    pause_clock,
    reopen_clock,
    resume_clock,
    retarget_clock,
    stop_clock,
)
from enterprise.sla.services.sweep import AUTOMATIONS, record_due
from enterprise.sla.services.tiers import (
    assign_tier,
    end_assignment,
    end_expired_overrides,
    end_override,
    override_tier,
    remove_quotas,
    set_quotas,
    undo_assignment,
)
from enterprise.sla.services.versions import (
    draft_calendar,
    draft_rules,
    publish_calendar,
    publish_rules,
)
