"""Writing of health: run checks, record them, edit components, roll up history."""

from operations.health.services.components import (
    ComponentExists,
    add_component,
    end_maintenance,
    prepare_deletion,
    switch_off,
)
from operations.health.services.run_checks import (
    AUTOMATIONS,
    CheckedJustNow,
    NothingToCheck,
    TooManyChecks,
    check_and_report,
    check_now,
    new_components,
    watchdog,
)
