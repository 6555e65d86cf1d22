"""Marketing channels and what is known of them.

A channel has limits (floor, ceiling, held) and rows: what was spent in it on a day and, where
known, what that brought. A company that knows only its total revenue keeps that by date, beside
the calendar flags that explain some of it. Lift tests say what an experiment found. Files come in
as `sheets` describes them, through one importer for the command and the admin.
"""
