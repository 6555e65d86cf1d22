"""The registry of a customer page's blocks: each family of pages adds its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from aethercrown.registry import Registry
from dashboards.charts import PageChart
from dashboards.tables import Table


@dataclass(frozen=True, slots=True)
class ShownCustomer:
    """Whose page is shown, and when; `keys` are the row and the rows merged into it."""

    pk: int
    keys: tuple[int, ...]
    external_id: str
    currency: str
    time_zone: str
    now: datetime


@dataclass(frozen=True, slots=True)
class BlockContent:
    """What a block shows: facts, a chart, tables, links; each may be missing.

    A link is a text and a path; it is left out where the person may not open it.
    """

    facts: Sequence[tuple[str, str]] = ()
    chart: PageChart | None = None
    tables: Sequence[Table] = ()
    links: Sequence[tuple[str, str]] = ()

    @property
    def page_tables(self) -> list[Table]:
        """Every table that can be downloaded."""
        return [*([self.chart.table] if self.chart else []), *self.tables]


@dataclass(frozen=True, slots=True)
class CustomerBlock:
    """A part of the customer page; `read` returns None where it has nothing to show.

    Blocks stand in the order of `place`; only who holds `permission`, if any, sees one.
    """

    name: str
    title: str
    place: int
    read: Callable[[ShownCustomer], BlockContent | None]
    permission: str = ""


customer_blocks = Registry[CustomerBlock]("customer block")
