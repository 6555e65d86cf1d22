"""Marketing: budget divides money over channels by what the next unit earns in each."""
