"""SQLite with writers in line.

SQLite lets one connection write at a time, and lets the others ask again every tenth of a second.
Who asks at the wrong moments is never served: of 50 threads one waited 20 seconds, and was told
that the database is locked, while others wrote hundreds of times. Here the threads of a process
stand in line (line.py), and Django's own backend does all else (base.py). Between processes, of
which there are few, SQLite's way of asking again stays.
"""
