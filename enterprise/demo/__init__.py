"""The demo company's events: some clients' last weeks, their limits, and one backfill."""
