"""The page of the audit: its events, and when they were last signed."""
