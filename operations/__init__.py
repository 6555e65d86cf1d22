"""Running the platform.

automations: what runs by itself, once for each planned time.
decisions: what was decided, why, what was expected and what it brought.
alerts: what went wrong, told once, until somebody has seen to it.
outbox: messages written with their event, and sent until they arrive.
submission: AI tasks come in, thousands in one call.
scheduling: AI tasks, who does which next, and the leases under which they are done.
workers: who does them, in pools.
planning: the open tasks seen ahead, how good that plan is, and what holds it up.
health: what is up, what is down, and since when; parts of the platform and outside targets.
vitals: how each part of the platform shows that it works.
uptime: what checks add up to: availability and percentiles of any period.
recovery: a back-up each day, tried out each month; what a restored platform leaves alone.
demo: agents, sites and alerts of the demo company.
"""
