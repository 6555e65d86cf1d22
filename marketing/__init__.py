"""Growth: where money goes, and what it brought.

channels: where money can be spent, and the daily rows of what was spent and earned.
budget: how a budget is divided by what the next unit earns in each channel, with its plans.
allocations: the division that is in force, and how to go back.
demo: a made-up company's two years, that come in once and go out to the last row.
"""
