"""Renews a lease from a thread while the work goes on."""

import logging
from collections.abc import Callable
from datetime import timedelta
from threading import Event, Thread
from time import monotonic
from typing import Self

log = logging.getLogger(__name__)


class LeaseRenewal:
    """Calls `renew` every `interval` until the block ends; `is_held` is False once it is lost.

    It is lost when `renew` returns False, or has raised errors for longer than `length`.
    """

    def __init__(self, renew: Callable[[], bool], interval: timedelta, length: timedelta) -> None:
        self._renew = renew
        self._interval = interval.total_seconds()
        self._length = length.total_seconds()
        self._over = Event()
        self._lost = Event()
        self._thread = Thread(target=self._renew_until_over, name="lease", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def is_held(self) -> bool:
        return not self._lost.is_set()

    def _renew_until_over(self) -> None:
        renewed = monotonic()
        while not self._over.wait(self._interval):
            try:
                if not self._renew():
                    break
                renewed = monotonic()
            except Exception:
                log.exception("A lease could not be renewed")
                if monotonic() - renewed > self._length:
                    break
        if not self._over.is_set():
            self._lost.set()
