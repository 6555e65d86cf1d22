"""AI tasks: who does which next, with leases, learned durations and a plan with a lower bound.

`scheduler` holds the documented classes, which need no database. `planner` plans all open tasks;
`backlog` is the queue in memory, `services` the stored one. `durations` learns how long tasks
take; `bottlenecks` names what delays the work and what one more worker would save.
"""
