"""Celery's line to Redis or Valkey, which ends in good order where kombu's (5.7) does not.

Where a broker that went away is lost once more, kombu asks a line that was given up for its
host. The AttributeError that follows is none of the errors that Celery expects of a broker: the
worker ended for good, with all that it had at work. Said as a lost connection, it is passed over.
"""

from typing import Any

from kombu.transport import redis as library
from redis.exceptions import ConnectionError as Lost


class Channel(library.Channel):
    def _connparams(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        if getattr(self.connection, "client", None) is None:
            raise Lost("This line to the broker was given up.")
        parameters: dict[str, Any] = super()._connparams(*args, **kwargs)  # type: ignore[misc]  # not in the published types
        return parameters


class Transport(library.Transport):
    Channel = Channel
