"""Events of visitors: read as callers send them, and what a visitor's events add up to."""
