"""Marketing's part of the demo company: six channels, two years of weeks, two plans.

`company` simulates the weeks. `services` stores them, with one plan that was applied and measured
and one that waits for a decision.
"""
