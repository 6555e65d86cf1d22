"""The documented class: one round of checks awaited, and the trends of a period."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from operations.health import services
from operations.health.history.period import read
from operations.health.reports import history


class HealthCheckManager:
    """Checks everything that is registered or entered, and tells how it went lately."""

    async def perform_all_checks(self) -> dict[str, Any]:
        """Look at everything within HEALTH_CHECK_TIMEOUT_SECONDS, and give the report.

        While another process is at it, or was less than ten seconds ago, the latest report.
        """
        return await asyncio.to_thread(services.report_aside)

    def get_health_trends(self, period: str = "24h") -> dict[str, Any]:
        """Availability and percentiles by component; NoPeriod for what is no period."""
        return history.answer(read(period), datetime.now(UTC))
