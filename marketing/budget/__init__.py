"""The marketing budget: plans, decisions on them, and the allocation in force.

`model` fits response curves, with their uncertainty, to spend and revenue. `planner` divides a
budget over them so that the last unit of money earns the same in every channel. `measurement`
backtests the curves and measures applied plans. A plan is applied automatically only where
`planner.auto_apply` finds no reason against it; otherwise a person decides.
"""
