"""Exports of advertising platforms and analytics, by their headers."""

from aethercrown.tabular.presets import Preset

KIND = "budget-performance"
PRESETS = (
    Preset(
        "google-ads",
        "Google Ads",
        KIND,
        ("campaign", "cost", "conv. value"),
        {
            "date": ("day", "week", "month"),
            "spend": ("cost",),
            "revenue": ("conv. value",),
            "currency": ("currency code", "currency"),
        },
        {"channel": "Google Ads"},
    ),
    Preset(
        "meta",
        "Meta Ads",
        KIND,
        ("amount spent", "reporting starts", "reporting ends"),
        {
            "date": ("day", "week", "month", "reporting starts"),
            "spend": ("amount spent",),
            "revenue": (
                *("purchases conversion value", "website purchases conversion value"),
                *("conversion value", "results value"),
            ),
            "currency": ("currency",),
        },
        {"channel": "Meta Ads"},
    ),
    Preset(
        "linkedin",
        "LinkedIn Campaign Manager",
        KIND,
        ("start date (in utc)", "total spent"),
        {
            "date": ("start date (in utc)",),
            "spend": ("total spent",),
            "revenue": ("total conversion value", "conversion value"),
            "currency": ("currency",),
        },
        {"channel": "LinkedIn Ads"},
        date_order="mdy",
    ),
    Preset(
        "ga4",
        "Google Analytics 4",
        KIND,
        ("date", "session default channel group"),
        {
            "date": ("date",),
            "channel": ("session default channel group",),
            "spend": ("ads cost", "google ads cost", "cost"),
            "revenue": ("total revenue", "purchase revenue"),
        },
    ),
)
