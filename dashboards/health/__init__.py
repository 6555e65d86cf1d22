"""The health page: status, availability by day, and outages."""
