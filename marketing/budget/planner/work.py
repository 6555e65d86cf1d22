"""How long a request would take to plan, from its size."""

from marketing.budget.planner.request import BudgetRequest, known_channels

# Measured on a two-core machine: seconds for each channel and period, and for each channel. Totals
# are fitted several times over all channels together.
TOTALS_CELL_SECONDS, ROWS_CELL_SECONDS, CHANNEL_SECONDS = 1e-3, 5e-5, 1e-3
HEAVY_SECONDS = 0.5


def estimate_seconds(request: BudgetRequest) -> float:
    """About how long planning takes."""
    channels, periods = len(known_channels(request)), max(1, len(request.dates))
    by_total = request.total_revenue is not None
    cell = TOTALS_CELL_SECONDS if by_total else ROWS_CELL_SECONDS
    return channels * (periods * cell + CHANNEL_SECONDS)


def is_heavy(request: BudgetRequest) -> bool:
    """Whether it counts against the budget of heavy calculations."""
    return estimate_seconds(request) > HEAVY_SECONDS
