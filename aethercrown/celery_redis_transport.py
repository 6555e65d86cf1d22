"""Kombu's Redis transport with a fix for a second connection loss (kombu 5.7).

If the broker is lost again while kombu reconnects, it reads the host of a closed connection, and
the AttributeError ends the worker. Raised as a lost connection, Celery retries as usual.
"""

from typing import Any

from kombu.transport import redis as library
from redis.exceptions import ConnectionError as Lost


class RedisChannel(library.Channel):
    def _connparams(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        if getattr(self.connection, "client", None) is None:
            raise Lost("The connection to the broker is closed.")
        parameters: dict[str, Any] = super()._connparams(*args, **kwargs)  # type: ignore[misc]  # not in the published types
        return parameters


class Transport(library.Transport):
    Channel = RedisChannel
