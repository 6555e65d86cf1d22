"""The documented class: run all checks, and the trends of a period."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from aethercrown.background import closing_connection
from operations.health.history.rollups import parse_period
from operations.health.reports import history
from operations.health.services.run_checks import check_and_report


class HealthCheckManager:
    """Checks every built-in and added component, and reports their history."""

    async def perform_all_checks(self) -> dict[str, Any]:
        """Check everything within HEALTH_CHECK_TIMEOUT_SECONDS, or read a round just run."""
        return await asyncio.to_thread(closing_connection(check_and_report))

    def get_health_trends(self, period: str = "24h") -> dict[str, Any]:
        """Availability and percentiles by component. Raises InvalidPeriod."""
        return history.trends_report(parse_period(period), datetime.now(UTC))
