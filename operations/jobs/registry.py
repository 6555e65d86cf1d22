"""The kinds of jobs that this code can run, by name; each app registers its own when it starts."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from aethercrown.registry import Registry

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class JobContext:
    """One attempt to run a job; its three functions raise where the job is to stop.

    `input` is what the job was started with, `actor` who started it. `report(done, total, note)`
    stores progress, at most once a second. `checkpoint` is for long steps without progress.
    """

    job_id: int
    input: Mapping[str, Any]
    actor: str
    now: datetime
    report: Callable[[int, int | None, str], None]
    checkpoint: Callable[[], None]

    def track(self, items: Iterable[Item], total: int, note: str = "") -> Iterator[Item]:
        """The items, with the number of those taken as progress."""
        for done, item in enumerate(items):
            self.report(done, total, note)
            yield item


@dataclass(frozen=True, slots=True)
class JobKind:
    """A kind of job in code.

    `perform` returns the result, which JSON can hold. It must be safe to repeat, and safe when
    killed half-way: it runs again after its worker died. A key needs the scope of `area` to see
    such jobs, a person `permission`, as on the pages of what they are about.

    `on_cancelled`, given the input, runs in the transaction that ends a job which waits to run, or
    whose worker is gone; a running one raises in `perform` instead. `page` is the address, by the
    input, of the page that shows what the job made; empty where its own page does.
    """

    name: str
    title: str
    area: str
    permission: str
    perform: Callable[[JobContext], Any]
    max_seconds: int = 1_200  # below CELERY_TASK_SOFT_TIME_LIMIT
    on_cancelled: Callable[[Mapping[str, Any]], None] = lambda _input: None
    page: Callable[[Mapping[str, Any]], str] = lambda _input: ""


job_kinds = Registry[JobKind]("kind of job")
