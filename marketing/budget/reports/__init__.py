"""Read plans, what they are made from, what is in force, and what plans brought."""

from marketing.budget.reports.effect import measured_effect, underperforms
from marketing.budget.reports.plans import (
    BudgetOverview,
    listed_plans,
    newest_plan,
    overview,
    plans,
    spend_trend,
)
from marketing.budget.reports.stored_history import stored_history
