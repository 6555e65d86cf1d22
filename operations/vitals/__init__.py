"""The platform's own parts, and how each shows that it works.

Database, broker, cache, worker, beat, disk and mail; health checks them beside whatever staff
entered. Each is used, not just connected to: rows are written and taken back, keys set and read.
"""
