"""Start, run, cancel and recover jobs.

A claim by compare-and-set gives a job to one worker, and each later write names the attempt that it
belongs to, so that a worker whose lease has ended can change nothing.
"""

from operations.jobs.services.execute import JobCancelled, JobStopped, run_next
from operations.jobs.services.recover import cancel_restored, delete_old_jobs, recover_jobs
from operations.jobs.services.start import (
    InvalidTransition,
    JobLimitReached,
    cancel,
    start,
)
