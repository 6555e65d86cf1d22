"""The pages of recurring revenue and of one customer's bill.

`charts` turns reports into tables and charts and is pure; `views` and `bills` read and render.
"""
