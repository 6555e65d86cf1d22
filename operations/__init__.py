"""Running the platform.

automations: what runs on a schedule, once for each planned time.
decisions: automatic decisions, their approval, and their expected and measured effects.
alerts: what is wrong, reported once, until it is resolved.
messaging: messages written with their event, and sent until they arrive.
scheduling: AI tasks, workers, assignment under leases, and plans of open tasks.
jobs: work that outlasts a request: progress, cancelling, the result.
imports: files that people import: recognised, previewed, stored, undone.
health: which components are up or down, and since when; availability of any period.
backups: a back-up each day, a restore test each month.
demo: agents, components and alerts of the demo company.
"""
