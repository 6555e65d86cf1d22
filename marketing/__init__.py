"""Marketing.

channels: where money is spent, what was spent and what it brought; files in and out.
budget: divides money over channels by what the next unit earns in each.
allocations: what each channel gets now, by which decision, and what it got before.
demo: a made-up company to look at, which goes out again to the last row.
"""
