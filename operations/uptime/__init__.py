"""What checks add up to: availability and percentiles over any period, in little room.

Single checks are kept for a week, hours for ninety days, days for two years. An hour holds the
seconds up and down and a histogram of answer times; hours merge into days, and any spans into
the figures of a period, so that no percentile is ever an average of others.
"""
