"""The marketing budget, divided so that the last unit of money earns the same everywhere.

Rows of spend and revenue become response curves with their doubt (response, fit; aggregate
where only the company's total revenue is known). Bounds say what a plan may do (bounds), the
optimizer fills channels by their slopes, evidence says how sure the gain is, and planner ties
it together. A plan moves money by itself only where that is safe; otherwise a person decides.
"""
