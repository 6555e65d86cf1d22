"""Django's SQLite backend with a fair queue of writers.

SQLite lets one connection write at a time; the others poll every tenth of a second, and an unlucky
one may never get its turn: of 50 threads one failed after 20 seconds ("database is locked") while
others wrote hundreds of times. Here the threads of a process queue for a FIFO lock;
between processes, of which there are few, SQLite's polling remains.
"""
