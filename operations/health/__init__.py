"""Is it up, how fast, and since when: real checks, their history, and one incident an outage.

Built-in parts (database, broker, cache, worker, beat, disk, mail), what other apps register and
what staff enter (HTTP, TCP, TLS) are checked side by side under one deadline. Three failures in
a row make an outage, two successes end it; what the checker itself spoils is unknown, not down.
Every hour becomes a histogram that can be merged, so that old percentiles stay true. A thread of
the web server watches broker and database, because no task runs once the broker is gone.
"""
