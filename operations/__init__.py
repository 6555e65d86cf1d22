"""Running the platform.

automations: what runs by itself, once for each planned time.
decisions: what was decided, why, what was expected and what it brought.
"""
