"""The allocation in force: what each channel gets, by which decision, from when until when.

A decision puts its amounts in the place of those in force, and can be taken back as long as
nothing else took their place. Rows are closed, never changed, so that the past stays readable.
"""
