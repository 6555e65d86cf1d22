"""Revenue's part of the demo company.

`company` simulates customers over two years, `usage` their daily usage, and `offers` the larger
plans they were offered; `services` stores them, with quotes and a draft price book.
"""
