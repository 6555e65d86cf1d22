"""Running the platform.

automations: what runs by itself, once for each planned time.
decisions: what was decided, why, what was expected and what it brought.
alerts: what somebody should know, told once.
scheduling: which worker does which task next, and how good that plan is.
health: whether every part answers, and how it has answered.
"""
