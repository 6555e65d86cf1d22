"""Read what a plan is made from: stored spend, revenue, flags, lift tests and limits."""

from dataclasses import fields
from datetime import date, timedelta

from marketing.budget.planner.request import LiftTestResult
from marketing.budget.stored_request import ChannelSettings, StoredHistory
from marketing.channels import reports as channels

HISTORY_PERIOD = timedelta(weeks=260)
SETTINGS_FIELDS = [each.name for each in fields(ChannelSettings)]


def stored_history(currency: str, until: date) -> StoredHistory:
    """Everything stored about active channels in the five years up to the newest row.

    `until` is the last complete day.
    """
    last = channels.last_spend_date(currency, until)
    since = (last or until) - HISTORY_PERIOD
    active = channels.active_channels(currency).order_by("name")
    return StoredHistory(
        channels=[ChannelSettings(*each) for each in active.values_list(*SETTINGS_FIELDS)],
        spend=channels.spend_rows(currency, since, until),
        totals=channels.total_revenue(currency, since, until),
        flags=channels.calendar_flags(since, until),
        lift_tests=[
            LiftTestResult(channel, float(spend), float(revenue), float(error))
            for channel, spend, revenue, error in channels.finished_lift_tests(
                currency, until
            ).values_list("channel__name", "spend", "revenue", "standard_error")
        ],
        until=until,
    )
