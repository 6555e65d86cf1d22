"""Django's backend for PostgreSQL, for connections that a thread keeps between requests.

Django checks a kept connection with `SELECT 1` before its first use in each request. Here that
round trip is made only if the socket has something to read while no query is running: then the
server has closed the connection or sent a message.
"""

import select

from django.db.backends.postgresql import base


class PostgreSQLWrapper(base.DatabaseWrapper):
    """A connection whose health is first looked up in its socket."""

    def is_usable(self) -> bool:
        if self.connection is None or self.connection.closed:
            return False
        waiting = select.poll()
        waiting.register(self.connection.fileno(), select.POLLIN)
        return not waiting.poll(0) or super().is_usable()


DatabaseWrapper = PostgreSQLWrapper  # the name that Django looks for
