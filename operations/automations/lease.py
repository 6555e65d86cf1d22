"""A lease kept alive from a thread of its own while the work goes on."""

import logging
from collections.abc import Callable
from datetime import timedelta
from threading import Event, Thread
from time import monotonic
from types import TracebackType
from typing import Self

log = logging.getLogger(__name__)


class LeaseRenewal:
    """Calls `renew` every `every` until the block ends; `held` turns False for good once lost.

    It is lost when `renew` answers False, or could not answer at all for `length`.
    """

    def __init__(self, renew: Callable[[], bool], every: timedelta, length: timedelta) -> None:
        self._renew = renew
        self._every = every.total_seconds()
        self._length = length.total_seconds()
        self._over = Event()
        self._lost = Event()
        self._thread = Thread(target=self._keep, name="lease", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def held(self) -> bool:
        return not self._lost.is_set()

    def _keep(self) -> None:
        renewed = monotonic()
        while not self._over.wait(self._every):
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
