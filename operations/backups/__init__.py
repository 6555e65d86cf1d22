"""A back-up each day, tried out each month; and what a restored platform must not do again.

Restoring itself is aethercrown.backup. Here is what it means for runs, messages and tasks: whoever
held them is gone, and nothing starts until a person has resumed automation.
"""
