"""Make plans, decide on them, put amounts in force, and plan each night."""

from marketing.budget.services.automation import BUDGET_AUTOMATION, run_optimization
from marketing.budget.services.decisions import (
    DECISION_TYPE,
    InvalidTransition,
    Stale,
    approve,
    measure,
    page_url,
    reject,
    roll_back,
)
from marketing.budget.services.plans import default_budget, optimize, replan

__all__ = [
    "BUDGET_AUTOMATION",
    "DECISION_TYPE",
    "InvalidTransition",
    "Stale",
    "approve",
    "default_budget",
    "measure",
    "optimize",
    "page_url",
    "reject",
    "replan",
    "roll_back",
    "run_optimization",
]
