"""The states of a job, and which may follow which. Pure."""

QUEUED, RUNNING, DONE, FAILED, CANCELLED = "queued", "running", "done", "failed", "cancelled"
OPEN = (QUEUED, RUNNING)
TRANSITIONS = {QUEUED: (RUNNING, CANCELLED), RUNNING: (DONE, FAILED, CANCELLED, QUEUED)}
