"""Secrets under management: taken in, paused, shown to the platform itself, and ended for good."""
