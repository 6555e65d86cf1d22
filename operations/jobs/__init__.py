"""Jobs: work that a person or a caller starts and that outlasts a request.

A job is a row: its kind, its input, its progress and its result. A worker claims it under a
lease, so that a job whose worker dies is run again. It can be cancelled, and JOBS_AT_ONCE run at
once. Each app registers its kinds of jobs when it starts.
"""
