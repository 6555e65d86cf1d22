"""UsageMonitor: usage of clients from Python, over the same services as the API."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from enterprise.usage import reports, services
from enterprise.usage.metering.event_input import read_moment, read_quantity, time_problem
from enterprise.usage.reports import clients, levels, opportunities


class UsageMonitor:
    """Track usage, report on it and find larger plans.

    `now` is the present time, None for the clock's. Bad values raise ValueError.
    """

    def __init__(self, now: datetime | None = None) -> None:
        self._now = now

    @property
    def now(self) -> datetime:
        return self._now or services.clock()

    def track_usage(self, client_id: str, usage_data: Mapping[str, Any]) -> dict[str, Any]:
        """Store readings and limits; the summary of the client's limits, as in the API."""
        now = self.now
        at = _moment(usage_data.get("recorded_at"), now)
        tracked = services.track_readings(
            client_id,
            _quantities(usage_data.get("current", {})),
            _quantities(usage_data.get("limits", {})),
            recorded_at=at,
            by="python",
            now=now,
        )
        return levels.summary(client_id, tracked.customer, at, now).as_dict()

    def identify_upsell_opportunities(
        self, client_id: str, usage_history: Sequence[Mapping[str, Any]], current_tier: str
    ) -> list[dict[str, Any]]:
        """Opportunities by the history; without one, by the client's stored use."""
        if not usage_history:
            found = opportunities.stored_analysis(clients.find(client_id), self.now, current_tier)
        else:
            entries = [
                {name: _quantities(each.get(name, {})) for name in ("current", "limits")}
                for each in usage_history
            ]
            latest, histories = opportunities.given_histories(entries)
            found = opportunities.analysis_of(current_tier, latest, histories, self.now)
        listed: list[dict[str, Any]] = found.as_dict()["opportunities"]
        return listed

    def generate_usage_report(self, client_id: str, period_days: int = 30) -> dict[str, Any]:
        """The report of the API. Raises UnknownClient."""
        return reports.client_report(client_id, period_days, self.now)

    def trigger_upsell_campaign(self, client_id: str) -> dict[str, Any]:
        """Offer what the use calls for most; the campaign. Raises NothingToOffer."""
        row, _ = services.trigger_upsell(clients.find(client_id), by="python", now=self.now)
        return services.campaign_fields(row)


def _moment(given: object, now: datetime) -> datetime:
    """The time of readings, now where none is given. Raises ValueError as the API answers 400."""
    if given is None:
        return now
    at = given if isinstance(given, datetime) else read_moment(given)
    if at.tzinfo is None:
        raise ValueError("recorded_at must have its offset from UTC.")
    if problem := time_problem(at, now):
        raise ValueError(f"recorded_at {problem.message}.")
    return at


def _quantities(given: Mapping[str, Any]) -> dict[str, Decimal]:
    return {name: read_quantity(value) for name, value in given.items()}
