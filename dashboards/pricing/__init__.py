"""Pricing's pages: the plans and versions, who pays more under a version, a quote line by line.

`sheets` words the tables, `views` reads the reports and hands them to the templates.
"""
