"""Planning a budget as a job."""

from typing import Any

from marketing.budget.models import BudgetPlan
from marketing.budget.planner import request_json
from marketing.budget.response_format import load_proposal, optimize_response
from marketing.budget.services.plans import optimize
from operations.jobs.registry import JobContext, JobKind

OPTIMIZE_JOB = "marketing.optimize_budget"


def perform(context: JobContext) -> dict[str, Any]:
    """Make the plan; the result is the body of the call that waits for it.

    An equal request returns the stored plan, so a job that runs twice makes one.
    """
    plan = optimize(
        request_json.from_json(context.input),
        source=BudgetPlan.Source.API,
        mode="propose",
        now=context.now,
    )
    return optimize_response(load_proposal(plan.proposal), plan.pk)


JOB_KIND = JobKind(
    OPTIMIZE_JOB,
    "Divide a marketing budget",
    "optimization",
    "marketing.view_budgetplan",
    perform,
)
