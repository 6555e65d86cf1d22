"""Read what a plan is made from: stored spend, revenue, flags, lift tests and limits."""

from datetime import date, timedelta

from marketing.budget.planner.request import LiftTestResult
from marketing.budget.stored_request import ChannelSettings, StoredHistory
from marketing.channels import reports as channels

HISTORY_PERIOD = timedelta(weeks=260)


def stored_history(currency: str, until: date) -> StoredHistory:
    """Everything stored about active channels in the five years up to the newest row.

    `until` is the last complete day.
    """
    last = channels.last_spend_date(currency, until)
    since = (last or until) - HISTORY_PERIOD
    return StoredHistory(
        channels=[
            ChannelSettings(
                each.name,
                each.is_held,
                each.floor,
                each.ceiling,
                each.incrementality,
                each.platform_roi,
            )
            for each in channels.active_channels(currency).order_by("name")
        ],
        spend=channels.spend_rows(currency, since, until),
        totals=channels.total_revenue(currency, since, until),
        flags=channels.calendar_flags(since, until),
        lift_tests=[
            LiftTestResult(
                test.channel.name,
                float(test.spend),
                float(test.revenue),
                float(test.standard_error),
            )
            for test in channels.finished_lift_tests(currency, until)
        ],
        until=until,
    )
