"""Recurring revenue as a page: the bridge by month, the trend, plans, segments and who pays most.

`pictures` words the reports as tables and charts and is pure; `views` reads and renders.
"""
