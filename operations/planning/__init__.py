"""The stored queue seen ahead: who starts what when, how good that is, and what holds it up.

The open tasks of operations.scheduling become one question for its pure planner; the answer is
noted on each task, and the figures, the bottlenecks and the page of lanes are read from rows.
"""
