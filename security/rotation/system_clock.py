"""The clock of this machine beside its uptime, which shows whether the clock was set. Pure."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from security.rotation.schedule import ClockReading

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def read(boot_id: Path = BOOT_ID) -> ClockReading:
    """The clock and the uptime, sleep included; without a boot id only the clock."""
    wall = datetime.now(UTC)
    try:
        boot = boot_id.read_text(encoding="ascii").strip()
        uptime = time.clock_gettime(time.CLOCK_BOOTTIME)
    except (OSError, AttributeError):
        return ClockReading(wall)
    return ClockReading(wall, boot, timedelta(seconds=uptime))
