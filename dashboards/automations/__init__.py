"""The page of the automations: when each runs, how it last ended, and every run of a period."""
