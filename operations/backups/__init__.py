"""Back-ups: one each day, a restore test each month, and operations' part of a restore.

`aethercrown.backup` makes and restores them. After a restore the leases of runs and messages are
void, and no automation starts until a person resumes automation.
"""
