"""The schema of the enterprise app, one step at a time."""
