"""The marketing budget's pages: one for the whole plan, one for each channel.

`pictures` draws a proposal, `headline` words its figures and its verdict, `views` reads the
reports and hands both to the templates.
"""
