"""Marketing's part of the demo company: six channels, two years of weeks, two plans.

`company` lives the weeks; `services` stores them, with a plan that was applied and measured and
one that waits, made by the same services as any other plan.
"""
