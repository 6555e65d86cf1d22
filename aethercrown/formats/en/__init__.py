"""English: the day before the month, and a clock of 24 hours with its zone."""
