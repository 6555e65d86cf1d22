"""Make plans, decide on them, put amounts in force, and plan each night."""

from aethercrown.transitions import InvalidTransition
from marketing.budget.services.amount import InvalidAmount, set_amount
from marketing.budget.services.automation import BUDGET_AUTOMATION, run_optimization
from marketing.budget.services.decisions import (
    DECISION_TYPE,
    approve,
    measure,
    needs_four_eyes,
    page_url,
    reject,
    roll_back,
)
from marketing.budget.services.handover import SENT_LISTENER, TOPIC, finish_task
from marketing.budget.services.jobs import JOB_KIND, OPTIMIZE_JOB
from marketing.budget.services.plans import optimize, replan
from operations.decisions.decision_types import Stale
