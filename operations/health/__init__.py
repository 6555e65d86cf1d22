"""Health checks of the platform and of targets that staff add, with history and incidents.

Built-in checks (database, broker, cache, worker, beat, disk, mail), those that other apps
register, and HTTP, TCP and TLS targets run concurrently under one deadline. Three failures in a
row open an incident, two successes end it. Hourly rollups hold mergeable histograms. A watchdog
thread of the web server checks broker and database, because no task runs without the broker.
"""
