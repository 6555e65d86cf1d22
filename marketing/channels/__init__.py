"""Marketing channels and their history.

A channel has limits (floor, ceiling, fixed) and rows: spend by date and, where known, revenue.
A company that knows only its total revenue stores that by date, with calendar flags that explain
part of it. Lift tests hold results of experiments. `csv_columns` describes the CSV files;
the command and the admin import them through the same importers.
"""
