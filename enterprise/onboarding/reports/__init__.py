"""Read flows: progress, dates, forecast, report."""
