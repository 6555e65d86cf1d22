"""Reading the MRR ledger: its bridge, retention, and whether it matches the subscriptions."""

from revenue.mrr.reports.bridges import bridges_by_segment, ledger_months, valid_watermark
from revenue.mrr.reports.ledger import (
    BOOKED,
    EFFECTIVE,
    EXPORTERS,
    CustomerMovement,
    booked_sums,
    bridge,
    currencies,
    movements_of,
    mrr_of,
)
from revenue.mrr.reports.recent import RecentMovement, RecentMovements, recent_movements
from revenue.mrr.reports.retention import retention_deltas
