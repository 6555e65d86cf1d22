"""Larger plans as a page: the pipeline, how offers were answered, what was promised and gained.

`sheets` words the reports as figures and tables and is pure; `views` reads and renders.
"""
